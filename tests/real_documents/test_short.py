"""The documents of the corpus that are small: read as their golden files say. All of them: `make corpus`."""

from __future__ import annotations

import pytest

from tests.real_documents import golden, packages
from tests.real_documents.__main__ import verdict

SHORT = [one for one in golden.all_of_them() if one.source.short]


@pytest.mark.parametrize("one", SHORT, ids=lambda one: one.name)
def test_a_real_document_is_read_as_it_should(one: golden.Golden) -> None:
    try:
        packages.fetch(one.source)
    except packages.NotToBeHad as error:
        pytest.skip(f"not to be had here: {error}")
    differs = dict(verdict(one).unexpected)
    differs.pop("cost", None)  # `make corpus` measures it
    assert not differs, differs


def test_there_are_documents_to_read() -> None:
    assert SHORT
