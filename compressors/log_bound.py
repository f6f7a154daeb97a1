"""How much leaving something out of a log can save over its lossless form: known untried where only times may go.

Such a form has the same lines, but for the times of some rows: to each of these belongs one more definition, and all
names may be written in capitals. Nothing else differs where rows have nothing in common with their neighbours: what
has could be joined, or become a run, only after its time is gone.
"""

import math
from collections.abc import Sequence

from headroom_mitm import tokens
from headroom_mitm.compressors.log_cost import cost
from headroom_mitm.compressors.log_fates import Look, Rules
from headroom_mitm.compressors.log_form import Form
from headroom_mitm.compressors.log_omission import FEWEST_BRIEF
from headroom_mitm.compressors.log_rows import alias
from headroom_mitm.compressors.log_stamps import Factoring

_LEGEND = 60  # tokens that the legend can lose at most, the heading but for its text among them
_WORDS = 60  # estimated tokens that the legend can gain
_DEFINITION = 30  # estimated tokens of one more definition beside its text
_HEAVIEST = 1.7
"""No character has more tokens than this, by the estimate."""
_DIGITS = str.maketrans("123456789", "000000000")


def most_saved(form: Form, looks: Sequence[Look], rules: Rules) -> float:
    """Return how many tokens the form has less at most if what may go is left out; infinite if that is not known.

    By the estimate it is at most twice as much: a number weighs 2.04, a sign or a space less than 1.
    """
    if form.log.factoring is not Factoring.DATE or any(look.goes(rules) for look in looks):
        return math.inf
    timed = [entry for entry in form.entries if entry.timed]
    times = [entry.values[0] for entry in timed]
    headings = {entry.heading for entry in timed}
    if len(set(times)) < len(times) or len(headings) > 1 or not form.is_apart:
        return math.inf
    shapes = set("\n".join(times).translate(_DIGITS).split("\n"))
    saved = _LEGEND + sum(map(len, headings))
    for number, look in enumerate(looks):
        count = len(look.template.rows)
        losing = count - 2 * rules.kept
        if losing < FEWEST_BRIEF or not look.shrinks(rules):
            continue
        # What has no values left is joined whatever it stands next to.
        if look.origins or len(form.entries[look.template.rows[0]].values) < 2:
            return math.inf
        saved += losing * max(cost(" " + shape) for shape in shapes) + (len(alias(number)) - 1) * (count + 1)
    return saved


def most_about(form: Form, whole: str) -> float:
    """Return how many tokens the form has at most, by the estimate, if times are left out; ``whole``: as it is."""
    definitions = sum(_DEFINITION + _HEAVIEST * len("{*}".join(template.literals)) for template in form.templates)
    return tokens.about(whole) + _WORDS + definitions
