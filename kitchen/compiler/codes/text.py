"""K00_, K010 and K011: what is written cannot be read."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K001",
        "a text that is not YAML",
        why="""A quote that is not closed, a tab that indents, a colon out of place: what follows
            could mean anything, so reading stops there.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {dataset: "./chat.jsonl
        """,
        cure="""Mend the place shown. It is where reading stopped; what is wrong may stand on the
            line before it.""",
    ),
    page(
        "K002",
        "a file that cannot be read",
        why="""A recipe is read together with the templates it names. Without one of them there is
            nothing to check.""",
        cure="""Check the path. A path in a recipe counts from the folder of the recipe.""",
    ),
    page(
        "K003",
        "a file that is not UTF-8",
        why="""A text in another encoding would be read with wrong letters, and trained on so.""",
        cure="""Save the file as UTF-8: `iconv -f latin1 -t utf-8 old.yaml > new.yaml`.""",
    ),
    page(
        "K004",
        "a document beyond the bounds",
        why="""Size, depth and number of parts are counted while a document is read, so that no
            document can use up the machine that only wanted to look at it.""",
        example="kitchen: 1\nrecipe: example\nworkflow: supervised\nparams: " + "[" * 70 + "]" * 70,
        cure="""Nest less, or split the document: a template may inline other templates.""",
    ),
    page(
        "K005",
        "a character that cannot be seen",
        why="""Control characters, marks that reverse the reading order and spaces without width
            make a document look other than it is.""",
        example='kitchen: 1\nrecipe: example\nworkflow: supervised\nparams: {dataset: "a\u202eb"}',
        cure="""Remove it. Where it is meant, write it as an escape in double quotes.""",
    ),
    page(
        "K006",
        "a key that stands twice",
        why="""Only one of two values could count, and most readers of YAML take the last one
            without a word.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params:
              epochs: 2
              dataset: ./chat.jsonl
              epochs: 3
        """,
        cure="""Keep one of the two.""",
    ),
    page(
        "K007",
        "a tag",
        why="""Tags ask a reader of YAML to build objects. A recipe is data; the type of each value
            is what the template or the stage declares.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params:
              model: !!str 7
        """,
        cure="""Take the tag out; put a text that looks like a number in quotes.""",
    ),
    page(
        "K008",
        "a merge key",
        why="""`<<` is not part of YAML 1.2, and what it leaves in a mapping cannot be read off the
            page.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params:
              <<: {model: tiny}
        """,
        cure="""Write the keys out, or share them as parameters of a template.""",
    ),
    page(
        "K009",
        "an alias that names nothing",
        why="""`*name` repeats what `&name` marked above it. It cannot stand before it or inside
            it.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params:
              dataset: *chat
        """,
        cure="""Put a text that starts with `*` in quotes.""",
    ),
    page(
        "K010",
        "a file that does not hold one document",
        why="""A file holds one recipe or one template.""",
        example="# nothing yet",
        cure="""Start with `kitchen: 1`; give each document a file of its own.""",
    ),
    page(
        "K011",
        "a key that is not a string",
        why="""Keys are names. `1`, `true` and `null` are values in YAML, and so is what stands in
            brackets.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: {1: tiny}
        """,
        cure="""Put the key in quotes, or the whole text if it was not meant as a key.""",
    ),
)
