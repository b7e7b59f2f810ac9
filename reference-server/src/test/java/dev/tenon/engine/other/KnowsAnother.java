package dev.tenon.engine.other;

import dev.tenon.engine.fixture.KnowsCore;

/** Breaks a rule on purpose: an engine names another. */
public interface KnowsAnother {
    KnowsCore another();
}
