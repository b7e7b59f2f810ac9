package dev.tenon.core.failover;

import dev.tenon.core.failover.Seen.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One control plane: takes the lease if it is free, asks everybody, decides on what it has heard by then, and acts a little later,
 * even if its lease has run out in between or it was frozen for long.
 */
final class SimulatedPlane {
    private static final long LEASE = 2_000;

    private record Heard(Seen.Member member, long asked) {}

    private final Simulation sim;
    private final FailoverPlanner planner;
    private boolean up = true;
    private int life;
    long pausedUntil;
    long storeCutUntil;
    private long epoch;

    // What it remembers; a new life forgets it.
    private Map<String, Heard> heard = new HashMap<>();
    private Map<String, Long> streamed = new HashMap<>();
    private List<Seen.Mark> marks = new ArrayList<>();
    private String leader = "";
    private long leaderWrote;

    SimulatedPlane(Simulation sim, FailoverPlanner planner) {
        this.sim = sim;
        this.planner = planner;
    }

    void kill() {
        if (up) {
            up = false;
            life++;
            sim.in(this, 500 + sim.random(3000), () -> {
                up = true;
                heard = new HashMap<>();
                streamed = new HashMap<>();
                marks = new ArrayList<>();
                leader = "";
                tick(life);
            });
        }
    }

    void tick(int mine) {
        if (life != mine) {
            return;
        }
        sim.in(this, 60 + sim.random(60), () -> tick(mine));
        if (sim.now() < storeCutUntil) {
            return;
        }
        epoch = sim.lease(this, LEASE);
        if (epoch == 0) {
            return;
        }
        FailoverRecord record = sim.record();
        if (!leader.equals(record.primary())) {
            leader = record.primary();
            leaderWrote = sim.now();
            streamed.clear();
            marks.clear();
        }
        for (SimulatedMember member : sim.members()) {
            long asked = sim.now();
            sim.message(this, member, () -> member.observe()
                    .ifPresent(seen -> sim.message(member, this, () -> hear(mine, member.name, seen, asked))));
        }
        decide(mine, sim.random(15));
    }

    /** Between looking and acting, anything may happen. */
    private void decide(int mine, int pause) {
        FailoverRecord record = sim.record();
        Decision decision = planner.decide(record, sim.wanted(), seen(record), epoch, Optional.empty());
        sim.in(this, pause, () -> {
            if (life == mine) {
                act(decision, record, mine);
            }
        });
    }

    private void hear(int mine, String member, Seen.Member seen, long asked) {
        if (life != mine) {
            return;
        }
        heard.put(member, new Heard(seen, asked));
        if (member.equals(leader) && seen.state() == State.PRIMARY) {
            leaderWrote = Math.max(leaderWrote, asked);
            marks.add(new Seen.Mark(sim.instant(asked), seen.flushed()));
            if (marks.size() > 50) {
                marks.remove(0);
            }
        }
        if (seen.state() == State.STANDBY && seen.receivesFrom().equals(Optional.of(leader))) {
            streamed.put(member, asked);
        }
    }

    private Seen seen(FailoverRecord record) {
        Map<String, Seen.Member> members = new HashMap<>();
        for (SimulatedMember one : sim.members()) {
            Heard last = heard.get(one.name);
            boolean fresh = last != null && sim.now() - last.asked() < 400;
            Seen.Member m = fresh ? last.member() : Seen.Member.UNSEEN;
            long away = sim.now() - streamed.computeIfAbsent(one.name, name -> sim.now());
            long silent = one.name.equals(record.primary())
                    ? sim.now() - leaderWrote
                    : m.silent().toMillis();
            members.put(
                    one.name,
                    new Seen.Member(
                            m.answers(),
                            m.gone(),
                            m.order(),
                            m.state(),
                            m.cleanly(),
                            m.timeline(),
                            m.flushed(),
                            m.receivesFrom(),
                            m.diverged(),
                            m.base(),
                            m.inForce(),
                            m.proved(),
                            Duration.ofMillis(silent),
                            Duration.ofMillis(away)));
        }
        return new Seen(sim.instant(sim.now()), members, List.copyOf(marks));
    }

    private void act(Decision decision, FailoverRecord from, int mine) {
        decision.record().ifPresent(next -> {
            if (sim.now() >= storeCutUntil
                    && sim.write(from, next, decision.reason().text())) {
                // What was recorded is carried out at once.
                decide(mine, sim.random(5));
            }
        });
        decision.orders().forEach((name, order) -> {
            SimulatedMember member = sim.member(name);
            sim.message(this, member, () -> member.accept(from.revision(), order));
        });
    }
}
