"""K51: what Argo cannot do, or not as asked."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K510",
        "a setting of Argo's that does not fit",
        why="""What is said in `targets: argo:` is written into Kubernetes objects. A name that is
            not known would have no effect, and a value of another kind would be found by the
            cluster when the workflow is submitted, or when a pod does not start.""",
        cure="""`docs/export.md` lists the settings with their values.""",
    ),
    page(
        "K511",
        "no image for the tasks",
        why="""Each task runs in a container. Without an image of yours the workflow names
            kitchen's own, with the version that exported it, and a cluster pulls that only if
            somebody has put it where the cluster looks.""",
        cure="""Build an image with kitchen and what your stages need, and name it:
            `targets: {argo: {image: registry.example/kitchen:1}}`.""",
    ),
    page(
        "K512",
        "a task that Argo cannot be told of",
        why="""Argo writes a task's name into the arguments of a container and reads braces in it
            as variables of its own.""",
        cure="""Name the step by letters, digits and `_`.""",
    ),
    page(
        "K513",
        "a plan that is too large for a ConfigMap",
        why="""Pods read the plan from a ConfigMap, which holds 1 MiB. A plan that is larger is
            compressed, and this one is too large even so.""",
        cure="""Split the recipe into several, each of which goes on from what the one before
            saved.""",
    ),
    page(
        "K514",
        "a workflow that is too large for Argo",
        why="""Argo keeps a workflow with the state of all its steps in one Kubernetes object, of
            1 MiB when it is submitted and 1.5 MB at any time.""",
        cure="""Let a loop or map run over what is now written out step by step, or split the
            recipe into several.""",
    ),
    page(
        "K515",
        "several processes for work that one does",
        why="""A task that asks for `nodes` becomes a job of Kubeflow's, in which `torchrun` starts
            it once for each device of each node. No adapter of kitchen's divides a training among
            processes yet: the first does all the work, and the machines of the others are idle.""",
        cure="""Leave `nodes` out, so that the task is a pod with the devices it asks for.""",
    ),
    page(
        "K516",
        "nothing to run",
        why="""The compiler removed every step, since nothing that is kept follows from any; a
            workflow without a step is refused by Argo.""",
        cure="""`kitchen compile RECIPE` says what was removed, and why: save, log or register
            something.""",
    ),
    page(
        "K517",
        "steps that are too deep for Argo",
        why="""Argo's controller follows 100 templates within each other and fails a workflow that
            goes on. Each map, branch and iteration of a loop with `until` is one of them.""",
        cure="""Put fewer maps and branches into each other.""",
    ),
    page(
        "K518",
        "a secret that no task is given",
        why="""An adapter reads it from a variable of its environment. A container has the variables
            that the workflow gives it and those of its image; of the second nothing is known
            here.""",
        cure="""Name the Kubernetes Secret that holds it:
            `targets: {argo: {secrets: {NAME: {name: SECRET, key: KEY}}}}`.""",
    ),
    page(
        "K519",
        "a workflow that does not hold together",
        why="""Every export is checked before it is written: that each name, argument, variable and
            volume is there, that nothing waits for itself. This one did not pass, which is a fault
            of kitchen's.""",
        cure="""Report it with the recipe. Until it is mended, another shape of the same steps may
            do: the message names the step.""",
    ),
)
