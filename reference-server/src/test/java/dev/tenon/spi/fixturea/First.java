package dev.tenon.spi.fixturea;

import dev.tenon.spi.fixtureb.Second;

/** Breaks a rule on purpose: half of a cycle. */
public interface First {
    Second second();
}
