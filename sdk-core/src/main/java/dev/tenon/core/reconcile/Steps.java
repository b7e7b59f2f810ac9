package dev.tenon.core.reconcile;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.OperationKind;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import dev.tenon.core.change.StepNames;
import dev.tenon.core.cluster.Delivered;
import dev.tenon.spi.delivery.Capability;
import dev.tenon.spi.delivery.DestroyMode;
import dev.tenon.spi.delivery.MemberState;
import dev.tenon.spi.delivery.ObservedMember;
import dev.tenon.spi.delivery.StopMode;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import dev.tenon.spi.workload.Directory;
import dev.tenon.spi.workload.MemberRef;
import dev.tenon.spi.workload.MemberWorkload;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * What each step does. Every one may run again after a crash at any point: it states what shall be true and leaves it to the place
 * or the engine to do only what is missing.
 */
final class Steps {
    private static final Map<String, Consumer<Work>> ACTIONS = Map.ofEntries(
            Map.entry(StepNames.PREPARE, Steps::prepare),
            Map.entry(StepNames.FILES, Steps::files),
            Map.entry(StepNames.START, Steps::start),
            Map.entry(StepNames.STOP, Steps::stop),
            Map.entry(StepNames.KILL_HUNG, Steps::killHung),
            Map.entry(StepNames.HAND_OVER, Steps::handOver),
            Map.entry(StepNames.PUBLISH, Steps::publish),
            Map.entry(StepNames.LIMITS, Steps::limits),
            Map.entry(StepNames.RECORD, work -> {}),
            Map.entry(StepNames.RECYCLE, work -> destroy(work, DestroyMode.KEEP_DATA)),
            Map.entry(StepNames.DESTROY, work -> destroy(work, DestroyMode.EVERYTHING)),
            Map.entry(StepNames.ACCOUNT, Steps::account),
            Map.entry(StepNames.DATABASE, Steps::database),
            Map.entry(StepNames.MEMBERS, Standbys::name),
            Map.entry(StepNames.JOIN, Standbys::join),
            Map.entry(StepNames.SYNC, Standbys::sync),
            Map.entry(StepNames.ROLL, Rolling::roll),
            Map.entry(StepNames.ROLL_DOWN, Rolling::rollDown),
            Map.entry(StepNames.FAIL_OVER, Standbys::failOver),
            Map.entry(StepNames.SWITCH, Standbys::switchOver));

    private static final Set<String> WITHOUT_EFFECT = Set.of(StepNames.PUBLISH, StepNames.RECORD);

    private static final Set<String> BUILDING = Set.of(StepNames.START, StepNames.HAND_OVER);

    private Steps() {}

    /** Carries a step out. */
    static void run(String name, Work work) {
        Consumer<Work> action = ACTIONS.get(name);
        if (action == null) {
            throw new ProviderException(
                    ErrorCode.INTERNAL, "the step " + name + " is not known to this version of the control plane");
        }
        action.accept(work);
    }

    /** Returns whether a step does something outside, so that its intent must be kept before. */
    static boolean effect(String name) {
        return !WITHOUT_EFFECT.contains(name);
    }

    /** Returns whether repeating the step before, too, after this one had its effect changes nothing. */
    static boolean buildsOnTheOneBefore(String name) {
        return BUILDING.contains(name);
    }

    private static void prepare(Work work) {
        if (work.secrets().tls().isPresent() && work.renewalDue()) {
            work.renew(work.secrets().hosts());
        }
        work.requireData();
        for (MemberWorkload workload : work.leaders()) {
            work.prepare(workload);
        }
        if (work.certified(work.serving())) {
            for (MemberWorkload workload : work.leaders()) {
                work.prepare(workload);
            }
        }
    }

    /** Files of all members: what runs reads them again. */
    private static void files(Work work) {
        Rolling.widen(work);
        prepare(work);
        for (MemberWorkload workload : work.standbys()) {
            String name = workload.ref().member();
            if (work.doc().failover().filter(record -> record.stray(name)).isPresent()) {
                continue; // it gets them with its data
            }
            work.prepare(workload);
        }
    }

    private static void start(Work work) {
        for (MemberWorkload workload : work.leaders()) {
            work.saw(work.delivery().start(workload, work.epoch(), Work.START_TIMEOUT));
        }
    }

    private static void stop(Work work) {
        work.letGo();
        for (MemberWorkload workload : work.workloadsBackwards()) {
            work.saw(work.delivery().stop(workload, work.epoch(), StopMode.GRACEFUL));
        }
    }

    /** Asks a last time: it may have come round, or been restarted by this very step before a crash of the control plane. */
    private static void killHung(Work work) {
        String hung = work.operation().arguments().getOrDefault("hung", "");
        for (MemberWorkload workload : work.workloads()) {
            if (workload.ref().member().equals(hung) && work.silent(workload.ref())) {
                work.saw(work.delivery().stop(workload, work.epoch(), StopMode.KILL));
            }
        }
    }

    private static void limits(Work work) {
        boolean inPlace = work.delivery().capabilities().contains(Capability.RESIZE_IN_PLACE);
        for (MemberWorkload workload : work.workloads()) {
            MemberRef ref = workload.ref();
            ObservedMember seen = work.delivery().observe(ref);
            if (Delivered.lost(seen)) {
                continue; // prepared with its limits by the step after this one
            }
            boolean running = seen.state() == MemberState.RUNNING || seen.state() == MemberState.STARTING;
            if (inPlace || !running) {
                work.delivery().resize(ref, work.resources(), work.epoch());
            }
            grow(work, workload);
        }
    }

    /** Lets the directories of a member have as much as they shall. */
    static void grow(Work work, MemberWorkload workload) {
        for (Directory directory : workload.directories()) {
            directory.size().ifPresent(size -> grow(work, workload.ref(), directory.name(), size));
        }
    }

    private static void grow(Work work, MemberRef ref, String directory, DataSize size) {
        try {
            work.delivery().growVolume(ref, directory, size, work.epoch());
        } catch (TenonException e) {
            // It has more already, from a change that was given up later: storage never shrinks, so it keeps that.
            if (e.code() != ErrorCode.SHRINK_UNSUPPORTED) {
                throw e;
            }
        }
    }

    private static void destroy(Work work, DestroyMode mode) {
        work.letGo();
        for (MemberRef ref : work.doc().refs()) {
            work.delivery().destroy(ref, work.epoch(), mode);
        }
    }

    /** Takes everything of an instance away again. */
    static void undo(Work work) {
        destroy(work, DestroyMode.EVERYTHING);
    }

    private static void handOver(Work work) {
        work.inSession(session -> {
            session.handOver(new HandOver(
                    work.spec().database(), work.spec().owner(), work.secrets().owner()));
            learn(work, session);
            return true;
        });
    }

    private static void publish(Work work) {
        work.serving();
        if (!work.informed()) {
            work.inSession(session -> {
                learn(work, session);
                return true;
            });
        }
    }

    private static void learn(Work work, EngineSession session) {
        work.learned(session.serverVersion(), work.pendingRestart(session));
    }

    private static void account(Work work) {
        Map<String, String> arguments = work.operation().arguments();
        String name = arguments.getOrDefault("name", "");
        OperationKind kind = work.operation().kind();
        if (kind == OperationKind.ACCOUNT_PASSWORD && name.equals(work.spec().owner())) {
            // Kept first: if the answer of the server is lost, repeating the step sets the kept one again.
            work.keep(work.secrets().withOwner(work.password()));
        }
        work.inSession(session -> {
            switch (kind) {
                case ACCOUNT_CREATE -> session.putAccount(name, work.password(), grants(arguments));
                case ACCOUNT_GRANT -> session.grant(name, grants(arguments));
                case ACCOUNT_PASSWORD -> session.password(name, work.password());
                case ACCOUNT_DROP -> session.dropAccount(name, work.spec().owner());
                default -> throw new IllegalStateException(kind + " is not about an account");
            }
            return true;
        });
    }

    private static void database(Work work) {
        Map<String, String> arguments = work.operation().arguments();
        String name = arguments.getOrDefault("name", "");
        work.inSession(session -> {
            if (work.operation().kind() == OperationKind.DATABASE_CREATE) {
                session.createDatabase(
                        name, arguments.getOrDefault("owner", work.spec().owner()));
            } else {
                session.dropDatabase(name);
            }
            return true;
        });
    }

    private static Set<Grant> grants(Map<String, String> arguments) {
        String text = arguments.getOrDefault("grants", "");
        return text.isEmpty()
                ? Set.of()
                : Arrays.stream(text.split(",")).map(Grant::valueOf).collect(Collectors.toSet());
    }
}
