package dev.tenon.server.portal.view;

import dev.tenon.api.EngineId;
import java.util.List;
import java.util.Optional;

/**
 * A page of instances.
 *
 * @param rows in order
 * @param text what is searched for, empty for all
 * @param lifecycle which lifecycle only, empty for all that are not deleted
 * @param engine which engine only, empty for all
 * @param engines engines to choose from
 * @param cursor where this page begins, empty for the first
 * @param next where the next begins
 */
public record InstanceList(
        List<InstanceRow> rows,
        String text,
        String lifecycle,
        String engine,
        List<EngineId> engines,
        String cursor,
        Optional<String> next) {
    /** Returns whether something narrows the list. */
    public boolean narrowed() {
        return !text.isEmpty() || !lifecycle.isEmpty() || !engine.isEmpty();
    }

    /** Returns whether something is under way, so that a reader wants to see it move. */
    public boolean busy() {
        return rows.stream()
                .anyMatch(r ->
                        Looks.of(r.view().lifecycle()).busy() || r.operation().isPresent());
    }

    /** Returns the part of the address that says what is shown, from a cursor on. */
    public String query(String from) {
        return "?q=" + Page.encode(text) + "&state=" + Page.encode(lifecycle) + "&engine=" + Page.encode(engine)
                + "&cursor=" + Page.encode(from);
    }
}
