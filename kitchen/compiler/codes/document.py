"""K0: what is written is no recipe or template.

K00_ and K010, K011 the text, K012 to K02_ its shape, K03_ expressions, K04_ the files it names.
"""

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
    page(
        "K012",
        "a template where a recipe is wanted, or the reverse",
        why="""A recipe says what to train and names a workflow; a template says how, in steps.
            Commands take recipes; `workflow:` takes templates.""",
        example="""
            kitchen: 1
            workflow: example
            steps: []
        """,
        cure="""Write a recipe that names the template: `workflow: ./template.yaml`.""",
    ),
    page(
        "K013",
        "a document without the version of the language",
        why="""The version keeps an old recipe meaning what it meant when the language moves
            on.""",
        example="""
            recipe: example
            workflow: supervised
        """,
        cure="""Start the document with `kitchen: 1`.""",
    ),
    page(
        "K020",
        "an unknown key",
        why="""A misspelled key that is passed over in silence would leave a default in force.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            adaptors: {training: torch}
        """,
        cure="""Spell it as the message suggests. Settings of a stage stand under its `with:`.""",
    ),
    page(
        "K021",
        "a key that is missing",
        why="""Nothing can be taken for what this key would say.""",
        example="""
            kitchen: 1
            recipe: example
        """,
        cure="""Add it.""",
    ),
    page(
        "K022",
        "a list, a mapping or a value where another is wanted",
        why="""The shape of a document says what belongs to what; from the wrong shape nothing can
            be taken without guessing.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervised
            params: [epochs, 3]
        """,
        cure="""Write the shape that the message names.""",
    ),
    page(
        "K023",
        "a step of no kind, or of two",
        why="""A step is a `stage`, a `loop`, a `map`, an `if` or a `workflow`.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stge: load_dataset
        """,
        cure="""Start the step with its kind; write two steps for two kinds.""",
    ),
    page(
        "K024",
        "a name that cannot be one",
        why="""Values and parameters are read in expressions, so their names are words there; names
            of recipes and workflows become names of folders.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              batch-size: {type: int}
            steps: []
        """,
        cure="""Use letters, digits and `_`: `batch_size`.""",
    ),
    page(
        "K025",
        "a number that cannot be held",
        why="""Numbers are kept in 64 bits and written as JSON, where infinity and `nan` have no
            form.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              rate: {type: float, default: .inf}
            steps: []
        """,
        cure="""Write a finite number; leave the setting out where no limit is meant.""",
    ),
    page(
        "K026",
        "an annotation that cannot be followed",
        why="""Retries, timeouts and resources are handed to whatever runs the stage, which would
            refuse them hours later.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                timeout: soon
        """,
        cure="""Write times as `30s`, `5m` or seconds, memory as `4Gi`, counts as numbers.""",
    ),
    page(
        "K027",
        "a declaration that contradicts itself",
        why="""No value could satisfy it, or its bounds mean nothing for its type.""",
        example="""
            kitchen: 1
            workflow: example
            params:
              epochs: {type: int, min: 10, max: 1}
            steps: []
        """,
        cure="""Types are `str`, `int`, `float`, `bool`, `record` and `list[...]`, with `?` behind
            for what may be absent; `min` and `max` are for numbers.""",
    ),
    page(
        "K030",
        "a text that is not an expression",
        why="""What stands in `${...}` and behind `when`, `if`, `over`, `while`, `until` and `max`
            is computed, so it has to be readable as an expression.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                when: 1 +
        """,
        cure="""Expressions are written as in Python: `epoch > 0 and not done`.""",
    ),
    page(
        "K031",
        "an expression beyond the language",
        why="""Expressions are literals, names, fields, arithmetic, comparison, `and`, `or`, `not`,
            `in`, `x if c else y` and six functions. A recipe is data: reading it must not be able
            to do anything.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                when: "(lambda: 1)()"
        """,
        cure="""Say it with what there is, or write a stage that computes it.""",
    ),
    page(
        "K032",
        "a `${` out of place",
        why="""`${...}` marks an expression inside a text. Where an expression stands alone there is
            nothing to mark, and a `${` without its `}` has no end.""",
        example="""
            kitchen: 1
            workflow: example
            steps:
              - stage: load_dataset
                with: {source: "${dataset"}
        """,
        cure="""Close it, or write `$${` for a literal `${`.""",
    ),
    page(
        "K033",
        "an expression that is too long or too deep",
        why="""The bounds keep a document from using up the machine that reads it.""",
        example="kitchen: 1\nworkflow: example\nsteps:\n  - stage: load_dataset\n    when: "
        + "not " * 60
        + "true\n",
        cure="""Compute it in steps, or in a stage.""",
    ),
    page(
        "K040",
        "a workflow that does not exist",
        why="""A recipe names a shipped workflow, or a file whose name ends in `.yaml`.""",
        example="""
            kitchen: 1
            recipe: example
            workflow: supervized
        """,
        cure="""`kitchen list workflows` lists them; a file is named by its path from the folder of
            the document: `./workflow.yaml`.""",
    ),
    page(
        "K041",
        "a workflow that inlines itself",
        why="""Inlining it would never end.""",
        cure="""Take the step out; write a `loop` where steps are to be run again.""",
    ),
    page(
        "K042",
        "workflows that inline too much",
        why="""Templates that inline templates can grow without bound from a few lines.""",
        cure="""Inline less; write a `loop` where steps are to be run again.""",
    ),
)
