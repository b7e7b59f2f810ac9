package dev.tenon.server.portal.view;

import dev.tenon.api.OperationView;
import java.util.Optional;

/**
 * The frame of an instance's page.
 *
 * @param row the instance
 * @param tab which tab is open
 * @param shown an operation to show with its steps: the one under way, else one that ended just now
 */
public record InstancePage(InstanceRow row, String tab, Optional<OperationView> shown) {
    /** Returns whether something is under way. */
    public boolean busy() {
        return Looks.of(row.view().lifecycle()).busy()
                || row.operation().filter(o -> !o.state().done()).isPresent();
    }
}
