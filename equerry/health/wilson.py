"""How sure a rate is, given how few were counted. Pure."""

import math

Z_95 = 1.96


def lower_bound(hits: int, of: int, z: float = Z_95) -> float:
    """Return the lower end of the Wilson score interval of hits/of, 0 where nothing was counted.

    Wilson, E. B. (1927), J. Am. Stat. Assoc. 22. z is the two-sided normal quantile: 1.96 for 95%.
    Hits beyond `of` count as all of them.
    """
    if of <= 0:
        return 0.0
    share = min(hits, of) / of
    centre = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (centre - spread) / (1 + z * z / of))
