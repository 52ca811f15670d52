"""RDF Dataset Canonicalization (RDFC-1.0) of JSON-LD documents.

What we made ourselves is canonicalized here, in the process. What strangers bring goes to a
child process with a second to spend (`Guarded`), because RDFC-1.0 can be made to explode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

import pyoxigraph as ox

from badges.openbadges.errors import CanonicalizationError
from badges.openbadges.jsonld import Expander, default_expander
from badges.openbadges.messages import N_, Message, Problem

_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_RDF_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_HASHES = {
    "sha256": ox.CanonicalizationAlgorithm.RDFC_1_0,
    "sha384": ox.CanonicalizationAlgorithm.RDFC_1_0_SHA_384,
}


@dataclass(frozen=True, slots=True)
class Canonical:
    """A document's canonical N-Quads, and the faults that safe mode found in it."""

    nquads: str
    problems: tuple[Problem, ...] = ()


class Canonicalizer(Protocol):
    """Anything that brings documents into canonical form."""

    def canonicalize(
        self, documents: Sequence[Mapping[str, Any]], *, hash_name: str = "sha256"
    ) -> list[Canonical]:
        """The canonical form of each document; raises CanonicalizationError."""
        ...


class InProcess:
    """The canonicalizer for documents that we made ourselves.

    Args:
        extra: further context documents by address.
    """

    def __init__(self, extra: Mapping[str, Any] | None = None) -> None:
        self._expander = Expander(extra) if extra else default_expander()

    def canonicalize(
        self, documents: Sequence[Mapping[str, Any]], *, hash_name: str = "sha256"
    ) -> list[Canonical]:
        """The canonical form of each document.

        Args:
            documents: JSON-LD documents over known contexts.
            hash_name: `sha256`, or `sha384` as ecdsa-rdfc-2019 asks for P-384.

        Raises:
            CanonicalizationError: a document is not JSON-LD, or holds an invalid IRI.
        """
        return [self._one(document, hash_name) for document in documents]

    def _one(self, document: Mapping[str, Any], hash_name: str) -> Canonical:
        dataset, problems = self._expander.quads(document)
        return Canonical(canonical_nquads(dataset, hash_name), tuple(problems))


@cache
def in_process() -> InProcess:
    """The shared in-process canonicalizer over the published contexts."""
    return InProcess()


def canonical_nquads(dataset: Mapping[str, list[dict[str, Any]]], hash_name: str) -> str:
    """The canonical N-Quads of a dataset in PyLD's form: lines in code point order.

    Raises:
        CanonicalizationError: an IRI, language or blank node is not valid in RDF.
    """
    try:
        quads = ox.Dataset(
            ox.Quad(
                _term(triple["subject"]),
                _named(triple["predicate"]["value"]),
                _term(triple["object"]),
                _graph(name),
            )
            for name, triples in dataset.items()
            for triple in triples
        )
    except ValueError as error:
        raise CanonicalizationError(N_("The document holds an invalid address.")) from error
    quads.canonicalize(_HASHES[hash_name])
    return "".join(sorted(f"{quad} .\n" for quad in quads))


_MAX_CACHED_IRI = 256


def _named(iri: str) -> Any:
    # Long ones come from strangers alone and would fill the memory of a warm process.
    return _known_name(iri) if len(iri) <= _MAX_CACHED_IRI else ox.NamedNode(iri)


@lru_cache(maxsize=1024)
def _known_name(iri: str) -> Any:
    return ox.NamedNode(iri)


def _term(term: Mapping[str, Any]) -> Any:
    value = term["value"]
    if term["type"] == "IRI":
        return _named(value)
    if term["type"] == "blank node":
        return ox.BlankNode(value.removeprefix("_:"))
    datatype = term["datatype"]
    if datatype == _XSD_STRING:
        return ox.Literal(value)
    if datatype == _RDF_LANG_STRING:
        return ox.Literal(value, language=term["language"])
    return ox.Literal(value, datatype=_named(datatype))


def _graph(name: str) -> Any:
    if name == "@default":
        return ox.DefaultGraph()
    return ox.BlankNode(name[2:]) if name.startswith("_:") else _named(name)


def to_wire(results: Sequence[Canonical]) -> list[dict[str, Any]]:
    """Results as JSON-ready values, for the child process."""
    return [
        {
            "nquads": result.nquads,
            "problems": [
                [
                    found.pointer,
                    found.message.code,
                    found.message.template,
                    dict(found.message.params),
                ]
                for found in result.problems
            ],
        }
        for result in results
    ]


def from_wire(values: Sequence[Mapping[str, Any]]) -> list[Canonical]:
    """What `to_wire` wrote."""
    return [
        Canonical(
            value["nquads"],
            tuple(
                Problem(pointer, Message(code, template, params))
                for pointer, code, template, params in value["problems"]
            ),
        )
        for value in values
    ]
