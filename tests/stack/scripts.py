"""Programs that the tests run inside containers, with `python -c`."""

INSTALLED = """
import json, platform
from importlib import metadata
packages = {each.metadata["Name"]: each.version for each in metadata.distributions()}
print(json.dumps({"python": platform.python_version(), "packages": packages}))
"""
"""Prints the Python packages that are there."""

PROGRAMS = """
import shutil, sys
print([name for name in sys.argv[1:] if shutil.which(name)])
"""
"""Prints which of its arguments are programs."""

WRITABLE = """
import os, stat
for top in ("/usr", "/opt", "/etc"):
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and (mode & 0o002 or os.lstat(path).st_uid == os.geteuid()):
                print(path)
"""
"""Prints the files of the system that its user could change if the root were not read-only."""

MODULES = """
import importlib, importlib.util, sys
print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""
"""Prints which of its arguments are modules."""

IMPORT_ALL = """
import importlib, pkgutil, sys
LEFT_OUT = {"__main__", "engine_kokoro"}  # started as a program; an engine that is in no image
for root in sys.argv[1:]:
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        last = module.name.rpartition(".")[2]
        if last not in LEFT_OUT and not (last == "engine_piper" and root == "services"):
            importlib.import_module(module.name)
print("imported")
"""
"""Imports every module of the packages that its arguments name."""

ENCODE_ALL = """
import subprocess
from services.assembler.encoders import output_arguments
from shared.audio.stream_encoding import ENCODINGS
with open("/tmp/about", "w") as file:
    file.write(";FFMETADATA1\\ntitle=x\\n[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=0\\nEND=500\\ntitle=y\\n")
formats = ("mp3", "m4b", "opus", "flac", "wav")
wanted = [output_arguments(name, channels=channels, language="eng") for name in formats for channels in (1, 2)]
wanted += [list(encoding.arguments) for encoding in ENCODINGS.values() if encoding.arguments]
quiet = ("ffmpeg", "-nostdin", "-v", "error", "-y")
sound = ("-f", "f32le", "-ar", "24000", "-ac", "1", "-i", "/dev/stdin", "-i", "/tmp/about")
for arguments in wanted:
    subprocess.run((*quiet, *sound, *arguments, "/tmp/out"), input=bytes(96_000), check=True, timeout=60)
    subprocess.run((*quiet, "-i", "/tmp/out", "-f", "null", "-"), check=True, timeout=60)
    print("encoded")
"""
"""Encodes and decodes a second in every format of episodes and streams."""

PROBED = """
import socket, subprocess, threading, time
server = socket.create_server(("127.0.0.1", 0))
def serve():
    connection, _ = server.accept()
    connection.recv(1000)
    BEHAVIOUR
threading.Thread(target=serve, daemon=True).start()
url = f"http://127.0.0.1:{server.getsockname()[1]}/healthz"
print(subprocess.run(["podcast-probe", url, "2"], stderr=subprocess.DEVNULL).returncode)
"""
"""Prints the exit code of the probe for a server that behaves like this."""

STORED = """
import json
from urllib.parse import urlsplit
import minio
from shared.settings import load
url = urlsplit(load().store_url)
client = minio.Minio(url.netloc.rpartition("@")[2], url.username, url.password, secure=False)
listed = client.list_objects(url.path.strip("/"), prefix="audio/", recursive=True)
print(json.dumps({item.object_name: item.last_modified.timestamp() for item in listed}))
"""
"""Prints when each chunk's audio was stored."""
