package dev.tenon.spi.fixtureb;

import dev.tenon.spi.fixturea.First;

/** Breaks a rule on purpose: the other half of a cycle. */
public interface Second {
    First first();
}
