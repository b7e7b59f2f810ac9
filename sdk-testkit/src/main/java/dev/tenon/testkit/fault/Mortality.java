package dev.tenon.testkit.fault;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Lets a control plane die at one boundary of its work: right before or right after one of its changing calls. From then on
 * nothing it tries has an effect: every call throws {@link SimulatedCrash}. Boundaries are counted from {@link #arm}; before the
 * first commit of an operation nothing is known of it, after a commit its intent or result is, after a verb its effect is there.
 */
public final class Mortality implements Interceptor {
    private static final long NEVER = -1;

    private final List<String> boundaries = new CopyOnWriteArrayList<>();
    private final Consumer<String> end;
    private boolean armed;
    private long at = NEVER;
    private volatile boolean dead;

    /** Creates it; dying only blocks the calls. */
    public Mortality() {
        this(where -> {});
    }

    /**
     * Creates it.
     *
     * @param end what dying does beside blocking all calls, such as halting a real process; gets the boundary
     */
    public Mortality(Consumer<String> end) {
        this.end = end;
    }

    /** Counts boundaries from now on and never dies. */
    public synchronized void count() {
        arm(NEVER);
    }

    /** Counts boundaries from now on and dies at number {@code boundary}, from 0; never if negative. */
    public synchronized void arm(long boundary) {
        boundaries.clear();
        armed = true;
        at = boundary;
    }

    /** Dies now. */
    public void die() {
        dead = true;
        end.accept("now");
    }

    /** Returns whether it died. */
    public boolean dead() {
        return dead;
    }

    /** Returns the boundaries passed since it was armed, the fatal one last. */
    public List<String> boundaries() {
        return List.copyOf(boundaries);
    }

    @Override
    public void before(Call call) {
        pass("before ", call);
    }

    @Override
    public void after(Call call) {
        pass("after ", call);
    }

    private void pass(String moment, Call call) {
        String here = moment + call;
        if (dead) {
            throw new SimulatedCrash(here);
        }
        if (call.changes()) {
            synchronized (this) {
                if (!armed || dead) {
                    if (dead) {
                        throw new SimulatedCrash(here);
                    }
                    return;
                }
                boundaries.add(here);
                if (at == NEVER || boundaries.size() - 1 != at) {
                    return;
                }
                dead = true;
            }
            end.accept(here);
            throw new SimulatedCrash(here);
        }
    }
}
