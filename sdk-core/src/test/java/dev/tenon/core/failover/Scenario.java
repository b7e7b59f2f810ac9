package dev.tenon.core.failover;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * What a run is made of. Which rules are broken, on purpose, is part of it.
 *
 * @param members how many members there are at first
 * @param rules the planner's rules
 * @param breaks what receivers and drivers do wrong
 * @param faults what goes wrong, in order of time
 */
record Scenario(
        long seed,
        int members,
        Durability durability,
        Limits limits,
        Rules rules,
        List<Break> breaks,
        List<Fault> faults) {
    /** What a driver or a receiver could do wrong. */
    enum Break {
        /** Members accept orders of any revision. */
        ACCEPT_OLD_ORDERS,
        /** A setting counts as in force when the configuration shows it. */
        IN_FORCE_BY_CONFIGURATION,
        /** A standby is promoted before its setting is in force. */
        PROMOTE_BEFORE_SETTING,
        /** A standby confirms before its receiver has ended. */
        CONFIRM_BEFORE_END,
        /** New data is copied from any standby. */
        CLONE_FROM_STANDBY,
        /** A member that shall be rewound is started as it is. */
        SKIP_REWIND,
        /** The old primary is not stopped when it shall be. */
        SKIP_FENCING
    }

    /** All but what a person does knowing that something may be lost. */
    private static final List<Fault.Kind> ALL = Arrays.stream(Fault.Kind.values())
            .filter(kind -> kind != Fault.Kind.FORCE)
            .toList();

    static final long FAULTS_END = 40_000;

    /** Short times, so that much happens in a run. */
    private static Limits quick(Random random) {
        return new Limits(
                Duration.ofMillis(600),
                Duration.ofMillis(1500),
                Duration.ofMillis(500 + random.nextInt(6000)),
                Duration.ofMillis(1500),
                40);
    }

    static Scenario random(long seed, Rules rules, Break... breaks) {
        Random random = new Random(seed);
        int members = 2 + random.nextInt(4);
        int needed = 1 + random.nextInt(Math.min(3, members - 1));
        Durability durability = random.nextInt(3) == 0
                ? new Durability.Balanced(needed, Duration.ofMillis(1000 + random.nextInt(3000)))
                : new Durability.Strict(needed);
        return new Scenario(
                seed,
                members,
                durability,
                quick(random),
                rules,
                List.of(breaks),
                faults(random, 10 + random.nextInt(30), ALL));
    }

    static Scenario async(long seed, Rules rules) {
        Random random = new Random(seed);
        Durability durability = new Durability.Async(20, Duration.ofMillis(2500));
        return new Scenario(
                seed,
                2 + random.nextInt(3),
                durability,
                quick(random),
                rules,
                List.of(),
                faults(random, 12 + random.nextInt(20), ALL));
    }

    static Scenario forced(long seed) {
        Random random = new Random(seed);
        return new Scenario(
                seed,
                2 + random.nextInt(4),
                new Durability.Strict(1),
                quick(random),
                new Rules(),
                List.of(),
                faults(random, 10 + random.nextInt(20), List.of(Fault.Kind.values())));
    }

    /** A run in which only some kinds of things go wrong, and therefore more often in the combinations that matter to a rule. */
    static Scenario focused(long seed, Rules rules, Set<Break> breaks, Fault.Kind... kinds) {
        Random random = new Random(seed);
        int members = 3 + random.nextInt(3);
        Durability durability = new Durability.Strict(1 + random.nextInt(2));
        return new Scenario(
                seed,
                members,
                durability,
                quick(random),
                rules,
                List.copyOf(breaks),
                faults(random, 20 + random.nextInt(40), List.of(kinds)));
    }

    /** The primary freezes and loses the control planes, again and again, and comes back in the middle of the answer to that. */
    static Scenario frozen(long seed, Rules rules, Break... breaks) {
        Random random = new Random(seed);
        List<Fault> faults = new ArrayList<>();
        for (long at = 3_000; at < FAULTS_END - 5_000; at += 4_500) {
            faults.add(new Fault(at, Fault.Kind.CUT_FROM_PLANES, 0, 0, 3_000));
            faults.add(new Fault(at, Fault.Kind.PAUSE_MEMBER, 0, 0, 650 + random.nextInt(700)));
        }
        return new Scenario(
                seed, 3, new Durability.Strict(1), quick(random), rules, List.of(breaks), List.copyOf(faults));
    }

    /** One more standby is asked for while one lags, and then only that one is left. */
    static Scenario oneMoreWhileOneLags(long seed, Rules rules) {
        Random random = new Random(seed);
        long at = 5_000 + random.nextInt(1_000);
        List<Fault> faults = List.of(
                new Fault(at, Fault.Kind.CUT_BOTH_WAYS, 0, 2, 3_000),
                new Fault(at + 200, Fault.Kind.CHANGE_NEEDED, 1, 1, 0),
                new Fault(at + 500 + random.nextInt(300), Fault.Kind.KILL_HOST, 0, 0, 9_000),
                new Fault(at + 800, Fault.Kind.KILL_HOST, 1, 1, 9_000));
        return new Scenario(seed, 3, new Durability.Strict(1), quick(random), rules, List.of(), faults);
    }

    Scenario with(List<Fault> fewer) {
        return new Scenario(seed, members, durability, limits, rules, breaks, List.copyOf(fewer));
    }

    private static List<Fault> faults(Random random, int count, List<Fault.Kind> kinds) {
        List<Fault> faults = new ArrayList<>();
        long at = 2_000;
        while (faults.size() < count && at < FAULTS_END) {
            // Faults come in bursts: what breaks protocols is the second one in the middle of the answer to the first.
            at += random.nextInt(3) == 0 ? random.nextInt(6_000) : random.nextInt(500);
            Fault.Kind kind = kinds.get(random.nextInt(kinds.size()));
            long millis = 50 + (long) (Math.pow(random.nextDouble(), 3) * 10_000);
            faults.add(new Fault(at, kind, random.nextInt(60), random.nextInt(60), millis));
        }
        faults.sort(Comparator.comparingLong(Fault::at));
        return faults;
    }
}
