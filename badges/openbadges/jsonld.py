"""JSON-LD 1.1 expansion to RDF with PyLD, and the safe mode that PyLD lacks.

Safe mode (Open Badges certification note of 2025-12, after jsonld.js): a document passes only
if every term and every type in it survives expansion. Beyond that we refuse what would let one
signed graph be shown to a reader as another document: inline contexts, JSON-LD keywords, members
named by their IRI, and a second description of the credential inside itself. With any of them a
revoked badge could hide its status entry and keep its proof.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pyld import jsonld
from pyld.context_resolver import ContextResolver

from badges.openbadges import contexts
from badges.openbadges.errors import CanonicalizationError, ContextError
from badges.openbadges.messages import N_, Problem, child, problem

Extra = Mapping[str, Any]

# RDF drops what is not an absolute IRI; a scheme is what makes one (RFC 3987, section 2.2).
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z")
_MEMO_LIMIT = 500
# What decides whether a credential counts; it stands on the credential itself or nowhere.
_DECISIVE = frozenset(
    [
        "issuer",
        "validFrom",
        "validUntil",
        "issuanceDate",
        "expirationDate",
        "credentialStatus",
        "credentialSubject",
    ]
)
# PyLD resolves what is relative against a base of its own; against this one it can be seen.
_RELATIVE_BASE = "relative-iri://base/"


class _Processor(jsonld.JsonLdProcessor):  # type: ignore[misc]
    """PyLD's processor with every processed context remembered.

    PyLD gives a type-scoped context a new identity at each use, so that its own cache never
    holds one; remembering the result by (active context, local context) makes it 2.5 times
    faster. Keys by identity are safe because the value keeps the local context alive, and only
    definitions out of known contexts reach them: documents may not define any.
    """

    def __init__(self, extra: Extra) -> None:
        super().__init__(on_property_dropped=self._note_dropped)
        self._extra = extra
        self._memo: dict[tuple[object, ...], tuple[Any, Any]] = {}
        self._resolved: dict[str, Any] = {}
        self.expanded: list[Any] = []
        self.dropped = False

    def quads(self, document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """The RDF dataset of `document` by graph name; `expanded` and `dropped` tell more."""
        self.dropped = False
        if len(self._memo) > _MEMO_LIMIT:
            self._memo.clear()
            self._resolved.clear()
        options = {
            "base": _RELATIVE_BASE,
            "documentLoader": self._load,
            "contextResolver": ContextResolver(self._resolved, self._load),
        }
        dataset: dict[str, list[dict[str, Any]]] = self.to_rdf(document, options)
        return dataset

    def expand(self, input_: Any, options: Any) -> Any:
        """Expand as PyLD does, and keep the result for the safe mode."""
        self.expanded = super().expand(input_, options)
        return self.expanded

    def _process_context(
        self,
        active_ctx: Any,
        local_ctx: Any,
        options: Any,
        override_protected: bool = False,
        propagate: bool = True,
        validate_scoped: bool = True,
        cycles: set[str] | None = None,
    ) -> Any:
        arguments = (override_protected, propagate, validate_scoped)
        identity = active_ctx.get("_uuid")
        if cycles is not None or identity is None:
            return super()._process_context(active_ctx, local_ctx, options, *arguments, cycles)
        if isinstance(local_ctx, str):
            name: object = local_ctx
        elif isinstance(local_ctx, list) and all(isinstance(item, str) for item in local_ctx):
            name = tuple(local_ctx)
        else:
            name = id(local_ctx)
        key = (identity, name, *arguments)
        found = self._memo.get(key)
        if found is None:
            processed = super()._process_context(active_ctx, local_ctx, options, *arguments, cycles)
            found = self._memo[key] = (processed, local_ctx)
        return found[0]

    def _note_dropped(self, _expanded: str | None) -> None:
        self.dropped = True

    def _load(self, url: str, _options: Any = None) -> dict[str, Any]:
        document = self._extra[url] if url in self._extra else contexts.load_context(url)
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": document,
            "tag": "static",
        }


class _Placed(dict[str, Any]):
    """An object that remembers its JSON pointer through PyLD's deep copy."""

    pointer: str = ""


class _Locator(_Processor):
    """The slow processor that says where terms are dropped; used only after a fault is known."""

    def __init__(self, extra: Extra) -> None:
        super().__init__(extra)
        self.problems: list[Problem] = []

    def _expand_object(
        self,
        active_ctx: Any,
        active_property: Any,
        expanded_active_property: Any,
        element: Any,
        *others: Any,
        **named: Any,
    ) -> Any:
        where = getattr(element, "pointer", "")
        for key in element:
            iri = None if key == "@context" else self._expand_iri(active_ctx, key, vocab=True)
            if key != "@context" and not (iri and (":" in iri or iri.startswith("@"))):
                self.problems.append(
                    problem(
                        child(where, key),
                        "safe-mode.undefined-term",
                        N_("the term “%(term)s” is not defined by any context of the badge"),
                        term=key,
                    )
                )
        return super()._expand_object(
            active_ctx, active_property, expanded_active_property, element, *others, **named
        )


class Expander:
    """Turns documents into RDF quads and finds what safe mode forbids; one lock, many threads.

    Args:
        extra: further context documents by address, beside the published ones kept here.
    """

    def __init__(self, extra: Extra | None = None) -> None:
        self._extra = dict(extra or {})
        self._processor = _Processor(self._extra)
        # PyLD's caches are not safe for threads; the work is bound to the interpreter anyway.
        self._lock = threading.Lock()

    def quads(
        self, document: Mapping[str, Any]
    ) -> tuple[dict[str, list[dict[str, Any]]], list[Problem]]:
        """The RDF dataset of a document, and the faults that safe mode finds.

        Where there are faults of context or keyword the dataset is empty: nothing is expanded.

        Raises:
            CanonicalizationError: PyLD cannot expand the document at all.
        """
        problems = list(self._forbidden(document, "", document.get("id")))
        if problems:
            return {}, problems
        with self._lock:
            try:
                dataset = self._processor.quads(document)
                problems = list(_relative(self._processor.expanded))
                if self._processor.dropped:
                    problems = [*self._locate(document), *problems]
            except jsonld.JsonLdError as error:
                raise CanonicalizationError(_reason(error)) from error
            except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
                # PyLD meets shapes it does not expect with Python's own exceptions.
                raise CanonicalizationError(
                    N_("The document is not JSON-LD that can be read.")
                ) from error
        return dataset, problems

    def _locate(self, document: Mapping[str, Any]) -> list[Problem]:
        locator = _Locator(self._extra)
        locator.quads(_placed(document, ""))
        return list({found.pointer: found for found in locator.problems}.values())

    def _forbidden(self, value: Any, pointer: str, root: object) -> Iterator[Problem]:
        """What could make one graph of two documents, and contexts that are not known."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._forbidden(item, f"{pointer}/{index}", root)
        elif isinstance(value, Mapping):
            if pointer and value.get("id") == root and not _DECISIVE.isdisjoint(value):
                yield problem(
                    pointer,
                    "safe-mode.second-description",
                    N_("the badge describes itself a second time inside itself"),
                )
            for key, inner in value.items():
                if key == "@context":
                    yield from self._context_problems(inner, child(pointer, key))
                elif key.startswith("@"):
                    yield problem(
                        child(pointer, key),
                        "safe-mode.keyword",
                        N_("the JSON-LD keyword “%(term)s” may not stand in a badge"),
                        term=key,
                    )
                elif ":" in key:
                    yield problem(
                        child(pointer, key),
                        "safe-mode.iri-term",
                        N_("“%(term)s” is an address where the name of a term is expected"),
                        term=key,
                    )
                elif isinstance(inner, (Mapping, list)):
                    yield from self._forbidden(inner, child(pointer, key), root)

    def _context_problems(self, value: Any, pointer: str) -> Iterator[Problem]:
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                yield problem(
                    pointer,
                    "safe-mode.inline-context",
                    N_("the badge defines words of its own in its context"),
                )
            elif item not in self._extra and not contexts.is_known(item):
                yield problem(
                    pointer,
                    "safe-mode.unknown-context",
                    N_("the context %(url)s is not one that we know"),
                    url=item,
                )


@cache
def default_expander() -> Expander:
    """The expander over the published contexts, shared by the whole process."""
    return Expander()


def safe_mode_problems(
    document: Mapping[str, Any], *, expander: Expander | None = None
) -> list[Problem]:
    """Every fault that safe mode finds in a trusted document; empty when it passes.

    A document that cannot be expanded at all is one fault at its root. Documents of strangers
    go through `canonical.Guarded`, which bounds the time.
    """
    try:
        return (expander or default_expander()).quads(document)[1]
    except CanonicalizationError as error:
        return [unreadable(error)]


def unreadable(error: Exception) -> Problem:
    """The fault of a document that JSON-LD cannot read."""
    return problem("", "safe-mode.unreadable", "%(reason)s", reason=str(error))


def is_absolute(iri: object) -> bool:
    """Whether a value is an absolute IRI, which is what survives into RDF."""
    return (
        isinstance(iri, str)
        and _ABSOLUTE.match(iri) is not None
        and not iri.startswith(_RELATIVE_BASE)
    )


def _relative(expanded: Any) -> Iterator[Problem]:
    """Types and references that are not absolute IRIs: RDF would drop them silently."""
    stack = [expanded]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict) and "@value" not in value:
            types = value.get("@type", [])
            for iri in types if isinstance(types, list) else [types]:
                if not is_absolute(iri):
                    yield problem(
                        "",
                        "safe-mode.undefined-type",
                        N_("the type “%(term)s” is not defined by any context of the badge"),
                        term=_written(iri),
                    )
            if "@id" in value and not is_absolute(value["@id"]):
                yield problem(
                    "",
                    "safe-mode.relative-id",
                    N_("“%(term)s” is not an absolute address or identifier"),
                    term=_written(value["@id"]),
                )
            stack.extend(inner for key, inner in value.items() if key not in ("@id", "@type"))


def _written(iri: object) -> str:
    """An expanded identifier as the document wrote it."""
    return str(iri).removeprefix(_RELATIVE_BASE)


def _placed(value: Any, pointer: str) -> Any:
    if isinstance(value, list):
        return [_placed(item, f"{pointer}/{index}") for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    result = _Placed({key: _placed(inner, child(pointer, key)) for key, inner in value.items()})
    result.pointer = pointer
    return result


def _reason(error: BaseException) -> str:
    """The innermost sentence of PyLD's chain of errors, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ContextError):
        return str(error)
    kind = getattr(error, "code", None)
    if not isinstance(kind, str):
        return N_("The document is not JSON-LD that can be read.")
    return f"The document is not JSON-LD that can be read ({kind})."
