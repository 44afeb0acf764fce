#!/usr/bin/env python3
"""Compare offers of accelerators by what a useful PFLOP-day costs.

    cost of a useful PFLOP-day = 24 * (price + extra) / (peak / 1000 * MFU * goodput)

price and extra: money an accelerator-hour (extra: storage, network, support, people, spread over the accelerators);
peak: dense TFLOPS of one accelerator; MFU and goodput: fractions, measured with your own model. One PFLOP-day is
10^15 * 86,400 FLOP. For preemptible capacity, leave goodput out and give delta, M and R instead:

    goodput = 1 - delta/tau - (tau/2 + R)/M,   tau = sqrt(2 * delta * M)         (Young's interval; all in seconds)

delta is the time that a checkpoint stops training, M the mean time between interruptions of the whole job, R the
time from interruption to the next useful step. Python 3.11 standard library only.

    python offer_cost.py A:price=2.50,peak=989.5,mfu=0.40,goodput=0.93 B:price=2.10,peak=989.5,mfu=0.33,goodput=0.80
    python offer_cost.py spot:price=1.40,peak=989.5,mfu=0.40,delta=40,M=14400,R=600 --need 21500

--need N also prints what N useful PFLOP-days cost. Exit status: 0 done; 1 an offer yields nothing useful; 2 wrong usage.
"""

import argparse
import json
import math
import sys

FIELDS = {"price", "extra", "peak", "mfu", "goodput", "delta", "M", "R"}


class Usage(Exception):
    """Wrong usage: the message says what to change."""


# --8<-- [start:cost]
def preemptible_goodput(delta: float, mean: float, restart: float) -> float:
    """Return the fraction of time that is useful at the best checkpoint interval; 0 where nothing is. Seconds."""
    tau = math.sqrt(2 * delta * mean)
    return max(0.0, 1 - delta / tau - (tau / 2 + restart) / mean)


def pflop_day_cost(price: float, peak: float, mfu: float, goodput: float, extra: float = 0.0) -> float:
    """Return the price of a useful PFLOP-day, in the money of `price`; price and extra an hour, peak in TFLOPS."""
    return 24 * (price + extra) / (peak / 1000 * mfu * goodput)
# --8<-- [end:cost]


def parse_offer(text: str) -> dict:
    """Return one offer from `NAME:key=value,...`, goodput filled in; raise Usage for what is missing or impossible."""
    name, colon, rest = text.partition(":")
    if not colon or not name:
        raise Usage(f"'{text}' is not NAME:key=value,... (--help shows two)")
    offer = {}
    for pair in rest.split(","):
        key, equals, value = pair.partition("=")
        try:
            offer[key] = float(value)
        except ValueError:
            raise Usage(f"{name}: '{pair}' is not key=number") from None
        if key not in FIELDS:
            raise Usage(f"{name}: '{key}' is none of {', '.join(sorted(FIELDS))}")
        if not math.isfinite(offer[key]) or offer[key] < 0:
            raise Usage(f"{name}: {key} must be a number that is not negative")
    missing = [key for key in ("price", "peak", "mfu") if key not in offer]
    if missing:
        raise Usage(f"{name}: {', '.join(missing)} missing")
    if "goodput" not in offer:
        if not {"delta", "M", "R"} <= offer.keys():
            raise Usage(f"{name}: give goodput, or all of delta, M and R")
        if not offer["delta"] or not offer["M"]:
            raise Usage(f"{name}: delta and M must be positive")
        offer["goodput"] = preemptible_goodput(offer["delta"], offer["M"], offer["R"])
    if not offer["peak"] or not 0 < offer["mfu"] <= 1 or offer["goodput"] > 1:
        raise Usage(f"{name}: peak must be positive, mfu and goodput fractions up to 1 (0.40, not 40)")
    return {"name": name, "extra": 0.0, **offer}


def main() -> int:
    """Read the offers, print them from the cheapest useful work to the dearest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("offer", nargs="+", help="NAME:price=..,peak=..,mfu=..,goodput=..[,extra=..]")
    parser.add_argument("--need", type=float, metavar="N", help="useful PFLOP-days that the job takes")
    parser.add_argument("--json", metavar="FILE", help="write the table for programs")
    options = parser.parse_args()
    try:
        offers = [parse_offer(text) for text in options.offer]
    except Usage as usage:
        print(f"offer_cost: {usage}", file=sys.stderr)
        return 2
    for offer in offers:
        useful = offer["peak"] / 1000 * offer["mfu"] * offer["goodput"]
        offer["cost"] = pflop_day_cost(*(offer[k] for k in ("price", "peak", "mfu", "goodput", "extra"))) if useful else None
    offers.sort(key=lambda offer: (offer["cost"] is None, offer["cost"]))
    best = offers[0]["cost"]
    print("offer         price/h    MFU  goodput  useful PFLOP-day   ratio" + ("            job" if options.need else ""))
    for offer in offers:
        row = f"{offer['name']:12s} {offer['price'] + offer['extra']:8.2f} {offer['mfu']:6.2f} {offer['goodput']:8.3f}"
        if offer["cost"] is None:
            print(f"{row}  nothing useful: it is interrupted faster than it advances")
            continue
        print(f"{row} {offer['cost']:17.2f} {offer['cost'] / best:7.2f}" + (f" {offer['cost'] * options.need:14,.0f}" if options.need else ""))
    if options.json:
        try:
            with open(options.json, "w") as file:
                json.dump(offers, file, indent=1)
        except OSError as error:
            print(f"offer_cost: cannot write {options.json}: {error.strerror}", file=sys.stderr)
            return 2
    return 1 if any(offer["cost"] is None for offer in offers) else 0


if __name__ == "__main__":
    sys.exit(main())
