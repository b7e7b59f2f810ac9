package dev.tenon.testkit.fault;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Decides by seed which calls fail, when and how. Thread-safe; with one calling thread the same seed gives the same faults.
 * {@link #toString} names the seed.
 */
public final class FaultPlan implements Interceptor {
    /** When a fault hits. */
    public enum Moment {
        /** Nothing has happened yet. */
        BEFORE,
        /** The effect is there; only the answer is lost. */
        AFTER
    }

    private record OneOff(Predicate<Call> calls, Moment moment, ErrorCode code) {}

    private final long seed;
    private final Random random;
    private final Set<Call.Target> targets;
    private final double rate;
    private final int burst;
    private final List<ErrorCode> codes;
    private final Deque<OneOff> oneOffs = new ArrayDeque<>();
    private final List<String> injected = new ArrayList<>();
    private int burstLeft;
    private boolean calm;

    private FaultPlan(Builder builder) {
        seed = builder.seed;
        random = new Random(seed);
        targets = Set.copyOf(builder.targets);
        rate = builder.rate;
        burst = builder.burst;
        codes = List.copyOf(builder.codes);
    }

    /** Returns a builder of a plan by seed; not safe for use by several threads. */
    public static Builder seeded(long seed) {
        return new Builder(seed);
    }

    /** Returns a plan that fails nothing but what {@link #once} asks for. */
    public static FaultPlan none() {
        return seeded(0).rate(0).build();
    }

    /** Builds a {@link FaultPlan}. */
    public static final class Builder {
        private final long seed;
        private Set<Call.Target> targets = Set.of(Call.Target.DELIVERY, Call.Target.SESSION);
        private double rate = 0.1;
        private int burst = 3;
        private List<ErrorCode> codes = List.of(ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.TIMEOUT);

        Builder(long seed) {
            this.seed = seed;
        }

        /** Sets what fails; defaults to deliveries and sessions. */
        public Builder targets(Call.Target... targets) {
            this.targets = Set.of(targets);
            return this;
        }

        /** Sets the share of calls that begin a fault, 0 to 1; defaults to 0.1. */
        public Builder rate(double rate) {
            this.rate = rate;
            return this;
        }

        /** Sets the most calls that fail one after the other; defaults to 3. */
        public Builder burst(int burst) {
            this.burst = burst;
            return this;
        }

        /** Sets the codes; defaults to {@code PROVIDER_UNAVAILABLE} and {@code TIMEOUT}. {@code PROVIDER_FAILED} is permanent. */
        public Builder codes(ErrorCode... codes) {
            this.codes = List.of(codes);
            return this;
        }

        /** Returns the plan. */
        public FaultPlan build() {
            return new FaultPlan(this);
        }
    }

    /** Makes the next call that fits fail once. */
    public synchronized void once(Predicate<Call> calls, Moment moment, ErrorCode code) {
        oneOffs.add(new OneOff(calls, moment, code));
    }

    /** Makes the next call of a verb fail once. */
    public void once(String verb, Moment moment, ErrorCode code) {
        once(call -> call.verb().equals(verb), moment, code);
    }

    /** Ends all faults. */
    public synchronized void calm() {
        calm = true;
        oneOffs.clear();
    }

    /** Returns the faults so far, in order. */
    public synchronized List<String> injected() {
        return List.copyOf(injected);
    }

    @Override
    public void before(Call call) {
        fail(call, Moment.BEFORE);
    }

    @Override
    public void after(Call call) {
        fail(call, Moment.AFTER);
    }

    private synchronized void fail(Call call, Moment moment) {
        if (calm || Set.of("close", "id", "capabilities", "describe").contains(call.verb())) {
            return;
        }
        Optional<OneOff> due = oneOffs.stream()
                .filter(o -> o.moment() == moment && o.calls().test(call))
                .findFirst();
        if (due.isPresent()) {
            oneOffs.remove(due.get());
            hit(call, moment, due.get().code());
        }
        // Looking has no effect that could come first: one chance is enough.
        if (!targets.contains(call.target()) || codes.isEmpty() || (moment == Moment.AFTER && !call.changes())) {
            return;
        }
        if (burstLeft > 0) {
            burstLeft--;
        } else if (random.nextDouble() < rate) {
            burstLeft = burst <= 1 ? 0 : random.nextInt(burst);
        } else {
            return;
        }
        hit(call, moment, codes.get(random.nextInt(codes.size())));
    }

    private void hit(Call call, Moment moment, ErrorCode code) {
        ErrorCode seen = call.target() == Call.Target.STORE ? ErrorCode.STORE_UNAVAILABLE : code;
        injected.add(moment + " " + call + " " + seen);
        throw new ProviderException(seen, "injected " + moment + " " + call.verb() + " (" + this + ")");
    }

    @Override
    public String toString() {
        return "seed " + seed;
    }
}
