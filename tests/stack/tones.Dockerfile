# The speech server of the test: text as tones, so that an episode can be read back; its calls are kept in a volume.
ARG TAG
FROM podcast-test/services:${TAG}
COPY __init__.py /opt/tests/tests/
COPY servers/*.py /opt/tests/tests/servers/
ENV PYTHONPATH=/opt/tests
USER root
RUN mkdir /calls && chown 10001:10001 /calls
USER 10001:10001
CMD ["python", "-P", "-m", "tests.servers.tone_speech", "--host", "0.0.0.0", "--port", "8880", "--record", "/calls/calls.jsonl"]
