package dev.tenon.core.failover;

import java.util.ArrayList;
import java.util.List;

/** Takes faults away from a run that breaks a promise, as long as it still breaks one. */
final class Shrinker {
    private Shrinker() {}

    /** Returns what a person needs to look at: the seed, the fewest faults, and what happened. */
    static String report(Scenario scenario) {
        Scenario shortest = shrink(scenario);
        Simulation.Outcome outcome = Simulation.run(shortest);
        return "seed " + scenario.seed() + ": " + outcome.violation().orElse("no violation") + "\nafter "
                + outcome.steps() + " steps with " + shortest.members() + " members, " + shortest.durability() + ", "
                + shortest.limits() + "\n" + String.join("\n", outcome.trace());
    }

    static Scenario shrink(Scenario scenario) {
        Scenario shortest = scenario;
        boolean shorter = true;
        while (shorter) {
            shorter = false;
            for (int size = Math.max(1, shortest.faults().size() / 2); size >= 1; size /= 2) {
                for (int from = 0; from < shortest.faults().size(); from += size) {
                    List<Fault> fewer = new ArrayList<>(shortest.faults());
                    fewer.subList(from, Math.min(fewer.size(), from + size)).clear();
                    Scenario candidate = shortest.with(fewer);
                    if (Simulation.run(candidate).violation().isPresent()) {
                        shortest = candidate;
                        shorter = true;
                    }
                }
            }
        }
        return shortest;
    }
}
