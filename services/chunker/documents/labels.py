"""Bare labels ("Note", "Tip"): said together with the paragraph under them, not alone and not as a chapter."""

from __future__ import annotations

from dataclasses import replace

from services.chunker.documents.document import Block, Document, Heading, Omissions, Paragraph

LABELS = frozenset(
    label.strip()
    for language in (
        "note, notes, tip, hint, warning, caution, danger, important, attention, error, see also, nota bene, remark",
        "anmerkung, hinweis, tipp, warnung, achtung, vorsicht, wichtig, gefahr, fehler, siehe auch, bemerkung",
        "remarque, astuce, avertissement, attention, important, danger, conseil, erreur, voir aussi",
        "nota, consejo, sugerencia, aviso, advertencia, precaución, importante, atención, peligro, véase también",
        "suggerimento, avviso, avvertimento, attenzione, importante, pericolo, avvertenza, vedi anche",
        "dica, cuidado, atenção, perigo, sugestão, veja também",
        "opmerking, waarschuwing, let op, belangrijk, gevaar, noot, zie ook, voorzichtig",
        "примечание, замечание, совет, подсказка, внимание, важно, осторожно, предупреждение, опасность, см. также",
    )
    for label in language.split(",")
)
_PROSE = frozenset({"paragraph", "item", "quote"})
_LONGEST = max(map(len, LABELS)) + 2
_REASON = "a label over nothing that is read"
_DEEPEST_CHAPTER = 2


def joined(document: Document) -> Document:
    """The document with each bare label at the beginning of the paragraph after it: "Note: …"."""
    omissions = Omissions(document.omissions)
    kept: list[Block] = []
    label = ""
    for block in document.blocks:
        if isinstance(block, (Heading, Paragraph)) and _is_label(block):
            if label:
                omissions.add("label", _REASON, label)
            label = block.text.strip().rstrip(":.!")
        elif not label or not isinstance(block, (Heading, Paragraph)):
            kept.append(block)
        elif isinstance(block, Paragraph) and block.role in _PROSE:
            kept.append(replace(block, text=f"{label}: {block.text}"))
            label = ""
        else:
            omissions.add("label", _REASON, label)
            kept.append(block)
            label = ""
    if label:
        omissions.add("label", _REASON, label)
    return replace(document, blocks=tuple(kept), omissions=tuple(omissions))


def _is_label(block: Heading | Paragraph) -> bool:
    if isinstance(block, Heading) and block.level <= _DEEPEST_CHAPTER:
        return False  # a section of its own: the notes of a manual page
    if isinstance(block, Paragraph) and block.role not in {*_PROSE, "term"}:
        return False
    return len(block.text) <= _LONGEST and block.text.strip().rstrip(":.!").lower() in LABELS
