"""A frozen class is what `dataclass(frozen=True, slots=True)` makes, whoever looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from inspect import signature
from typing import Any

import pytest

from kitchen.ir.frozen import OFTEN, frozen


def plain() -> type:
    """A class to be made of; its fields are taken from it, so each test has its own."""

    class Dish:
        name: str
        portions: int = 4
        tags: list[str] = field(default_factory=list, compare=False)
        note: str = field(default="", compare=False, repr=False)

        @property
        def half(self) -> float:
            return self.portions / 2

    Dish.__qualname__ = "Dish"
    return Dish


class Empty:
    pass


@pytest.fixture(params=["ours", "theirs"])
def make(request: pytest.FixtureRequest) -> Any:
    """A class of each kind, new for each test: the first call of a constructor is special."""
    made: Callable[[type], type] = (
        frozen if request.param == "ours" else dataclass(frozen=True, slots=True)
    )
    return made(plain())


def test_construction(make: Any) -> None:
    dish = make("bread", tags=["warm"])
    assert (dish.name, dish.portions, dish.tags, dish.note) == ("bread", 4, ["warm"], "")
    assert make("soup").tags is not make("soup").tags
    assert make("soup").half == 2


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((), {}),
        (("a", 1, [], "", "one more"), {}),
        (("a",), {"name": "twice"}),
        (("a",), {"colour": "brown"}),
    ],
    ids=["missing", "too_many", "twice", "unknown"],
)
def test_a_wrong_call_is_told_by_name(
    make: Any, arguments: tuple[Any, ...], keywords: dict[str, str]
) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"^Dish\.__init__\(\) "):
            make(*arguments, **keywords)


def test_it_is_the_same_however_often_it_is_called() -> None:
    made: Any = frozen(plain())
    dishes = [made("bread", note=str(call)) for call in range(2 * OFTEN)]
    assert set(dishes) == {made("bread", tags=["warm"])}
    assert [dish.note for dish in dishes] == [str(call) for call in range(2 * OFTEN)]
    assert len({id(dish.tags) for dish in dishes}) == len(dishes)
    assert list(signature(made).parameters) == ["name", "portions", "tags", "note"]


def test_content(make: Any) -> None:
    dish = make("bread", 2, ["warm"], "with butter")
    assert dish == make("bread", 2)
    assert hash(dish) == hash(make("bread", 2)) == hash(("bread", 2))
    assert dish != make("bread", 3)
    assert dish != ("bread", 2)
    assert repr(dish) == "Dish(name='bread', portions=2, tags=['warm'])"


def test_it_cannot_be_changed(make: Any) -> None:
    dish = make("bread")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        dish.name = "soup"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del dish.name
    assert not hasattr(dish, "__dict__")


def test_nothing_can_be_added() -> None:
    made: Any = frozen(plain())
    with pytest.raises(FrozenInstanceError):
        made("bread").colour = "brown"


def test_what_dataclasses_know_of_it(make: Any) -> None:
    dish = make("bread")
    assert [part.name for part in fields(dish)] == ["name", "portions", "tags", "note"]
    assert replace(dish, portions=1) == make("bread", 1)
    assert asdict(dish) == {"name": "bread", "portions": 4, "tags": [], "note": ""}
    match dish:
        case make(name, portions):
            assert (name, portions) == ("bread", 4)
        case _:
            pytest.fail("it has no positions")


def test_two_classes_are_never_equal() -> None:
    ours: Any = frozen(plain())
    assert ours("bread") == ours("bread")
    assert ours("bread") != frozen(plain())("bread")
    assert ours("bread") != dataclass(frozen=True, slots=True)(plain())("bread")


def test_a_class_without_fields() -> None:
    made = frozen(Empty)
    assert made() == made()
    assert hash(made()) == hash(())


def test_keywords_alone() -> None:
    made: Any = frozen(kw_only=True)(plain())
    assert made(name="bread").name == "bread"
    with pytest.raises(TypeError):
        made("bread")


def test_what_is_the_same_object_is_equal() -> None:
    class One:
        value: float

    nan = float("nan")
    made: Any = frozen(One)
    assert made(nan) == made(nan)
    assert hash(made(nan)) == hash((nan,))


def test_identity() -> None:
    made: Any = frozen(eq=False)(plain())
    assert made("bread") != made("bread")
    assert len({made("bread"), made("bread")}) == 2


def test_what_a_class_says_itself_stays() -> None:
    @frozen
    class Rounded:
        value: float

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Rounded) and round(self.value) == round(other.value)

        def __hash__(self) -> int:
            return round(self.value)

        def __repr__(self) -> str:
            return f"~{self.value}"

    assert Rounded(1.2) == Rounded(0.9)
    assert hash(Rounded(1.2)) == 1
    assert repr(Rounded(1.2)) == "~1.2"


def test_values_are_not_compared_as_they_are_given() -> None:
    class Array:
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value of an array is ambiguous")

        __hash__ = None  # type: ignore[assignment]

    made: Any = frozen(eq=False)(plain())
    array = Array()
    assert made(array).name is array


def test_a_class_made_of_another() -> None:
    @frozen
    class Parent:
        name: str

    @frozen
    class Child(Parent):
        age: int = 1

    assert Child("a", 2) == Child("a", 2) != Child("b", 2)
    assert Child("a") != Parent("a")
    assert repr(Child("a")).endswith("Child(name='a', age=1)")
