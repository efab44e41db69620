"""The documents of the corpus that are small: read as their golden files say. All of them: `make corpus`."""

from __future__ import annotations

import pytest

from tests.real_documents import golden
from tests.real_documents.__main__ import verdict

SHORT = [one for one in golden.all_of_them() if one.source.short]


@pytest.mark.parametrize("one", SHORT, ids=lambda one: one.name)
def test_a_real_document_is_read_as_it_should(one: golden.Golden) -> None:
    found = verdict(one)
    if found.missing:  # another release of Debian has another version of the file
        pytest.skip(f"not to be had here: {found.missing}")
    differs = dict(found.unexpected)
    differs.pop("cost", None)  # `make corpus` measures it
    assert not differs, differs


def test_there_are_documents_to_read() -> None:
    assert SHORT
