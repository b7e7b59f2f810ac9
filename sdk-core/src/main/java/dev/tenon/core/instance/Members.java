package dev.tenon.core.instance;

import dev.tenon.api.Member;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.engine.ReplicationStatus;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Port;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Turns what a place saw into what is stored of members. */
public final class Members {
    private Members() {}

    /**
     * Returns the members of a document with what was seen of them; the others stay as they were.
     *
     * @param replication what the primary says of the others, if it was asked
     */
    public static List<InstanceDoc.MemberStatus> statuses(
            InstanceDoc doc, Collection<ObservedMember> seen, Optional<ReplicationStatus> replication) {
        Map<String, ObservedMember> byName = new HashMap<>();
        seen.forEach(member -> byName.put(member.ref().member(), member));
        boolean first = true;
        List<InstanceDoc.MemberStatus> statuses = new ArrayList<>();
        for (InstanceDoc.MemberStatus before : doc.members()) {
            ObservedMember now = byName.get(before.member().name());
            statuses.add(now == null ? before : status(before, now, first, replication));
            first = false;
        }
        return statuses;
    }

    private static InstanceDoc.MemberStatus status(
            InstanceDoc.MemberStatus before,
            ObservedMember now,
            boolean first,
            Optional<ReplicationStatus> replication) {
        boolean runs = now.state() == MemberState.RUNNING;
        Member member = before.member();
        return new InstanceDoc.MemberStatus(
                new Member(
                        member.name(),
                        runs ? (first ? "primary" : "standby") : "unknown",
                        now.state().name(),
                        now.location().map(Location::zone).or(member::zone),
                        now.location().map(Location::host).or(member::host),
                        now.startedAt(),
                        replication.isPresent() ? follows(replication.get(), member.name()) : member.replication()),
                now.incarnation(),
                before.address());
    }

    /** Where it has got to changes all the time and is not kept. */
    private static Optional<Member.Replication> follows(ReplicationStatus primary, String name) {
        return primary.standbys().stream()
                .filter(standby -> standby.member().equals(name))
                .findFirst()
                .map(standby -> new Member.Replication(
                        standby.state(), standby.sync(), OptionalLong.empty(), Optional.empty()));
    }

    /** Returns the members of a document with what was seen of them and where clients reach them. */
    public static List<InstanceDoc.MemberStatus> statuses(
            InstanceDoc doc,
            Collection<ObservedMember> seen,
            Optional<ReplicationStatus> replication,
            List<MemberWorkload> workloads) {
        Map<String, InstanceDoc.Address> addresses = new HashMap<>();
        for (MemberWorkload workload : workloads) {
            seen.stream()
                    .filter(member -> member.ref().equals(workload.ref()))
                    .findFirst()
                    .flatMap(member -> address(workload, member))
                    .ifPresent(address -> addresses.put(workload.ref().member(), address));
        }
        return statuses(doc, seen, replication).stream()
                .map(status -> new InstanceDoc.MemberStatus(
                        status.member(),
                        status.incarnation(),
                        Optional.ofNullable(addresses.get(status.member().name()))
                                .or(status::address)))
                .toList();
    }

    /** Returns where clients reach a member, if the place said so. */
    public static Optional<InstanceDoc.Address> address(MemberWorkload workload, ObservedMember seen) {
        return workload.ports().stream()
                .filter(port -> port.exposure() == Port.Exposure.CLIENTS)
                .findFirst()
                .flatMap(port -> Optional.ofNullable(seen.ports().get(port.name())))
                .flatMap(port -> seen.address().map(host -> new InstanceDoc.Address(host, port)));
    }
}
