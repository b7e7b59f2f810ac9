package dev.tenon.core.cluster;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.DeliveryDriver;
import dev.tenon.spi.delivery.Epoch;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Members that were delivered before. One whose data is gone (a lost disk, one that is not mounted) is not made anew and empty: that is
 * a person's decision, and standbys would follow it.
 */
public final class Delivered {
    private Delivered() {}

    /**
     * Brings a member's files, ports and limits up to date.
     *
     * @param only whether the instance has no other copy
     * @throws ProviderException {@code PROVIDER_FAILED} if its data is gone, at whatever moment it went
     */
    public static ObservedMember prepare(DeliveryDriver delivery, MemberWorkload workload, Epoch epoch, boolean only) {
        // What is said to be filled by others is not initialised, and does not start before it was filled.
        boolean hasData = !workload.initialise().isEmpty();
        ObservedMember seen = delivery.prepare(
                hasData
                        ? MemberWorkload.builder()
                                .from(workload)
                                .initialise(List.of())
                                .filled(workload.directories().stream()
                                        .map(Directory::name)
                                        .collect(Collectors.toSet()))
                                .build()
                        : workload,
                epoch);
        if (hasData && lost(seen)) {
            throw gone(workload.ref(), only);
        }
        return seen;
    }

    /** Returns whether a member is not there, or no more than half. */
    public static boolean lost(ObservedMember seen) {
        return seen.state() == MemberState.ABSENT || seen.state() == MemberState.INCOMPLETE;
    }

    /** Returns the failure that says so. */
    public static ProviderException gone(MemberRef ref, boolean only) {
        return new ProviderException(
                ErrorCode.PROVIDER_FAILED,
                "the data of " + ref + " is gone, and an empty database is no replacement; bring back its disk, or "
                        + (only ? "delete the instance" : "let a standby lead"));
    }
}
