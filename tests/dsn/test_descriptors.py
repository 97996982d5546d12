"""Connect descriptors: text to tree to text, and what is said of those that are malformed."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orapool.dsn import mask
from orapool.dsn.descriptors import GROUPS, Node, parse, parse_from
from orapool.dsn.faults import Fault
from orapool.errors import ConfigurationError

steady = settings(deadline=None, derandomize=True, database=None, max_examples=150)

DB = "(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))"
SALES = f"(DESCRIPTION={DB}(CONNECT_DATA=(SERVICE_NAME=sales)))"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (SALES, SALES),
        (SALES.lower().replace("tcp", "TCP"), SALES),
        (SALES.replace("(", " ( ").replace(")", " ) ").replace("=", "\t= "), SALES),
        (SALES.replace("(", "\n  ("), SALES),
        (SALES.replace("(", "\r\n("), SALES),
        (f"(DESCRIPTION={DB}{DB})", f"(DESCRIPTION={DB}{DB})"),
        (f"(DESCRIPTION_LIST=(DESCRIPTION={DB})(DESCRIPTION={DB}))",) * 2,
        (f"(DESCRIPTION=(ADDRESS_LIST={DB})(ADDRESS_LIST={DB}))",) * 2,
        (DB, DB),
        (f"(DESCRIPTION={DB}(CONNECT_DATA=(SERVICE_NAME=)))",) * 2,
        (f"(DESCRIPTION={DB}(CONNECT_DATA=(SERVICE_NAME='a b')))",) * 2,
        (f'(DESCRIPTION={DB}(CONNECT_DATA=(SID="XE")))', f"(DESCRIPTION={DB}(CONNECT_DATA=(SID=XE)))"),
        (f'(DESCRIPTION={DB}(SECURITY=(SSL_SERVER_CERT_DN="CN=db,O=acme (x)")))',) * 2,
        (
            f"(DESCRIPTION={DB}(SECURITY=(SSL_SERVER_CERT_DN=CN=db,O=acme)))",
            f'(DESCRIPTION={DB}(SECURITY=(SSL_SERVER_CERT_DN="CN=db,O=acme")))',
        ),
        ("(DESCRIPTION=(ADDRESS=(PROTOCOL=IPC)(KEY=XE)))",) * 2,
        (f"(DESCRIPTION={DB}(SECURITY=))",) * 2,
        (f"(DESCRIPTION={DB}(X.Y-Z$1=2))",) * 2,
    ],
)
def test_a_descriptor_reads_as_a_tree_that_writes_itself_down(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("text", "reason", "shown"),
    [
        ("", "'(' belongs here, at character 1", ["", "^"]),
        ("DESCRIPTION=(ADDRESS=(HOST=a))", "'(' belongs here, at character 1", None),
        ("()", "a name belongs here, as in (NAME=value), at character 2", ["()", " ^"]),
        ("(=a)", "a name belongs here, as in (NAME=value), at character 2", ["(=a)", " ^"]),
        ("(DESCRIPTION)", "'=' belongs here, after DESCRIPTION, at character 13", ["(DESCRIPTION)", "            ^"]),
        ("(DESCRIPTION=(ADDRESS=(HOST a)))", "'=' belongs here, after HOST, at character 29", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=a))", "it lacks 1 closing parenthesis, at character 32", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=a", "it lacks 3 closing parentheses, at character 30", None),
        ("(DESCRIPTION=", "it lacks 1 closing parenthesis, at character 14", None),
        ("(", "it lacks 1 closing parenthesis, at character 2", None),
        (
            f"{SALES})",
            f"it ends before this character, and more follows, at character {len(SALES) + 1}",
            [f"{SALES})", " " * len(SALES) + "^"],
        ),
        (f"{SALES} sales", "and more follows", None),
        (
            "(DESCRIPTION=(ADDRESS=(HOST=a)(PORT=1521)) x)",
            "')' or '(' belongs here, at character 44",
            ["(DESCRIPTION=(ADDRESS=(HOST=a)(PORT=1521)) x)", " " * 43 + "^"],
        ),
        (
            "(DESCRIPTION=\n (ADDRESS=(HOST=db\n (PORT=1521)))",
            "')' belongs here, after the value of HOST, at character 33 (line 2, column 19)",
            [" (ADDRESS=(HOST=db", " " * 18 + "^"],
        ),
        (
            "(DESCRIPTION=(ADDRESS=(HOST=db\n)(PORT=1521\n  SERVER=x)))",
            "')' belongs here, after the value of PORT",
            [")(PORT=1521", " " * 11 + "^"],
        ),
        (
            '(DESCRIPTION=(ADDRESS=(HOST="db)))',
            "the quotation mark that opens here is not closed, at character 29",
            ['(DESCRIPTION=(ADDRESS=(HOST="db)))', " " * 28 + "^"],
        ),
        ('(DESCRIPTION=(ADDRESS=(HOST=d"b")))', "a quotation mark cannot stand within a value, at character 30", None),
        ('(DESCRIPTION=(ADDRESS=(HOST="d"b)))', "')' belongs here, at character 32", None),
        ("(DESCRIPTION=(ADDRESS=db))", "ADDRESS must be (NAME=value) pairs, at character 23", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=(IP=1))))", "HOST must be a value, not (NAME=value) pairs", None),
        ("(CONNECT_DATA=(SID=XE))", "a connect descriptor begins with (DESCRIPTION=, not with (CONNECT_DATA=", None),
        ("(DESCRIPTION=(CONNECT_DATA=(SID=XE)))", "there is no ADDRESS in this DESCRIPTION, at character 14", None),
        (
            f"(DESCRIPTION_LIST=(DESCRIPTION={DB})(DESCRIPTION=))",
            "there is no ADDRESS in this DESCRIPTION, at character 90",
            None,
        ),
        ("(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(PORT=1)))", "there is no HOST in this ADDRESS, at character 23", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=)))", "HOST must be a name, and it is empty, at character 29", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=a b)))", "HOST must be a name without spaces, at character 29", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=a)(PORT=15x1)))", "PORT must be a port, from 1 to 65535, at character 37", None),
        ("(DESCRIPTION=(ADDRESS=(HOST=a)(PORT=99999)))", "PORT must be a port, from 1 to 65535", None),
        (f"(DESCRIPTION={DB}(RETRY_COUNT=some))", "RETRY_COUNT must be a whole number, at character 71", None),
        (f"(DESCRIPTION={DB}(CONNECT_TIMEOUT=3h))", "CONNECT_TIMEOUT must be a number of seconds, or one with", None),
        (f"(DESCRIPTION={DB}(LOAD_BALANCE=maybe))", "LOAD_BALANCE must be ON, YES or TRUE, or OFF, NO", None),
        (f"(DESCRIPTION={DB}(CONNECT_DATA=(SERVER=fast)))", "SERVER must be DEDICATED or SHARED or POOLED", None),
        ("(DESCRIPTION=" + "(A=" * 20 + ")" * 21, "more than 20 parentheses are open, at character 71", None),
    ],
)
def test_a_malformed_descriptor_is_shown_with_the_character(text: str, reason: str, shown: list[str] | None) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(text)

    message = str(raised.value)
    assert message.startswith("the connect descriptor cannot be read: ")
    assert reason in message
    if shown:
        assert message.endswith("".join(f"\n    {line}" for line in shown))


def test_of_a_long_line_only_the_neighbourhood_is_shown() -> None:
    text = f"(DESCRIPTION={DB * 20}(X){DB * 20})"

    with pytest.raises(ConfigurationError) as raised:
        parse(text)

    _, line, caret = str(raised.value).split("\n")
    assert len(line) < 120
    assert line.strip().startswith("...")
    assert line.endswith("...")
    assert line[caret.index("^") - 2 : caret.index("^") + 1] == "(X)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(A=(WALLET_PASSWORD=oyster)(B)", "(A=(WALLET_PASSWORD=***)(B)"),
        ('(A=(PASSWORD="oy ster")(B)', "(A=(PASSWORD=***)(B)"),
        ("(A=(MY_WALLET_DIRECTORY = /home/oyster)(B)", "(A=(MY_WALLET_DIRECTORY = ***)(B)"),
        ("(A=(TOKEN_LOCATION=oyster)(B)", "(A=(TOKEN_LOCATION=***)(B)"),
        ('(A=(password="oyster', "(A=(password=***"),
        ("(A=(pwd=oyster\n oyster2(", "(A=(pwd=***"),
    ],
)
def test_no_secret_is_shown(text: str, shown: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(text)

    assert str(raised.value).split("\n")[1] == f"    {shown}"
    assert "oyster)" not in str(raised.value)
    assert shown in mask(text)


def test_the_caret_stands_below_its_character_where_a_secret_before_it_is_masked() -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse("(DESCRIPTION=(PASSWORD=an oyster of the sea)(PORT 1521))")

    _, line, caret = str(raised.value).split("\n")
    assert line[caret.index("^") :] == "1521))"


def test_names_are_the_same_in_upper_and_lower_case() -> None:
    assert Node("host", "db") == Node("HOST", "db")
    assert Node("HOST", "db") != Node("HOST", "DB")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("a b", "x", "'a b' is no name"), ("", "x", "'' is no name"), ("SID", 'x"', "SID: a double quotation mark")],
)
def test_what_cannot_be_written_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Node(name, value)


def test_nodes_are_found_by_name_at_any_depth() -> None:
    tree = parse(f"(DESCRIPTION=(ADDRESS_LIST={DB}{DB})(CONNECT_DATA=(SID=XE)))")

    assert [node.child("HOST").text for node in tree.all("ADDRESS")] == ["db", "db"]  # type: ignore[union-attr]
    assert textwrap.shorten(str(tree.child("CONNECT_DATA")), 50) == "(CONNECT_DATA=(SID=XE))"


# Whatever there is to write.
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.$-]{0,8}", fullmatch=True).filter(lambda name: name.upper() not in GROUPS)
values = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), max_size=12)
leaves = st.builds(Node, names, values)
trees = st.recursive(
    leaves,
    lambda below: st.builds(
        Node, st.one_of(names, st.sampled_from(sorted(GROUPS))), st.lists(below, min_size=1, max_size=4).map(tuple)
    ),
    max_leaves=12,
)


@steady
@given(trees)
def test_what_is_written_reads_as_the_same(tree: Node) -> None:
    text = str(tree)

    assert parse_from(text, 0) == (tree, len(text))


@steady
@given(st.text("()=\"' \n#\\xA1", max_size=25).map(lambda text: f"(DESCRIPTION=(ADDRESS=(HOST=a){text}"))
def test_whatever_is_read_is_a_tree_that_writes_the_same_or_a_fault_within_the_text(text: str) -> None:
    tree, fault, end = Node("NONE"), None, 0
    try:
        tree, end = parse_from(text, 0)
    except Fault as raised:
        fault = raised

    if fault:
        assert 0 <= fault.position <= len(text)
        assert fault.error(text, "it").args
    else:
        assert end <= len(text)
        assert parse_from(str(tree), 0)[0] == tree
