package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.baremetal.HostPlanner.Amounts;
import dev.tenon.baremetal.HostPlanner.Candidate;
import dev.tenon.baremetal.HostPlanner.Decision;
import dev.tenon.baremetal.HostPlanner.Demand;
import dev.tenon.baremetal.HostPlanner.Strategy;
import dev.tenon.baremetal.HostStatus.Mode;
import dev.tenon.spi.delivery.Location;
import dev.tenon.spi.workload.Placement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HostPlannerTest {
    private static final long GIB = 1L << 30;
    private static final Amounts ROOMY = new Amounts(8_000, 32 * GIB, 500 * GIB);
    private static final Amounts SMALL = new Amounts(1_000, GIB, 20 * GIB);

    private static Candidate host(String name, String zone, Amounts committed, String... members) {
        return new Candidate(
                new Location(zone, name), Mode.ENABLED, Optional.empty(), ROOMY, committed, Set.of(members));
    }

    private static Candidate with(Candidate host, Mode mode, Optional<String> unreachable) {
        return new Candidate(host.location(), mode, unreachable, host.usable(), host.committed(), host.members());
    }

    private static Amounts used(int cpuMillis) {
        return new Amounts(cpuMillis, 0, 0);
    }

    private static Demand anywhere(String... apartFrom) {
        return new Demand(SMALL, new Placement(Optional.empty(), Set.of(apartFrom)));
    }

    private static String chosen(List<Candidate> hosts, Demand demand, Strategy strategy) {
        Decision decision = HostPlanner.choose(hosts, demand, strategy);
        assertThat(decision).isInstanceOf(Decision.Chosen.class);
        return ((Decision.Chosen) decision).location().host();
    }

    private static List<String> refused(List<Candidate> hosts, Demand demand) {
        Decision decision = HostPlanner.choose(hosts, demand, Strategy.SPREAD);
        assertThat(decision).isInstanceOf(Decision.Refused.class);
        return ((Decision.Refused) decision).reasons();
    }

    @Test
    void spread_severalFit_takesTheEmptiest() {
        List<Candidate> hosts =
                List.of(host("h1", "a", used(3_000)), host("h2", "a", used(1_000)), host("h3", "b", used(2_000)));
        assertThat(chosen(hosts, anywhere(), Strategy.SPREAD)).isEqualTo("h2");
    }

    @Test
    void pack_severalFit_takesTheFullestThatStillFits() {
        List<Candidate> hosts =
                List.of(host("h1", "a", used(7_500)), host("h2", "a", used(1_000)), host("h3", "b", used(6_000)));
        assertThat(chosen(hosts, anywhere(), Strategy.PACK)).isEqualTo("h3");
    }

    @Test
    void spread_fullness_isThatOfTheScarcestResource() {
        List<Candidate> hosts =
                List.of(host("h1", "a", new Amounts(0, 24 * GIB, 0)), host("h2", "a", new Amounts(4_000, 0, 0)));
        assertThat(chosen(hosts, anywhere(), Strategy.SPREAD)).isEqualTo("h2");
    }

    @Test
    void equallyGood_theName_decides() {
        List<Candidate> hosts = List.of(host("h2", "a", used(0)), host("h1", "a", used(0)));
        assertThat(chosen(hosts, anywhere(), Strategy.SPREAD)).isEqualTo("h1");
        assertThat(chosen(hosts, anywhere(), Strategy.PACK)).isEqualTo("h1");
    }

    @Test
    void apartFrom_memberThere_isAvoidedEvenWhereFuller() {
        List<Candidate> hosts = List.of(host("h1", "a", used(0), "m-1"), host("h2", "a", used(6_000)));
        assertThat(chosen(hosts, anywhere("m-1"), Strategy.SPREAD)).isEqualTo("h2");
    }

    @Test
    void apartFrom_everyHostTaken_saysByWhom() {
        List<Candidate> hosts = List.of(host("h1", "a", used(0), "m-1"), host("h2", "b", used(0), "m-2"));
        assertThat(refused(hosts, anywhere("m-1", "m-2")))
                .containsExactly(
                        "h1 (a): carries m-1 of the same instance", "h2 (b): carries m-2 of the same instance");
    }

    @Test
    void notApart_sameInstanceThere_isStillTheWorseChoice() {
        List<Candidate> hosts = List.of(host("h1", "a", used(0), "m-1"), host("h2", "a", used(6_000)));
        assertThat(chosen(hosts, anywhere(), Strategy.SPREAD)).isEqualTo("h2");
        assertThat(chosen(hosts.subList(0, 1), anywhere(), Strategy.SPREAD)).isEqualTo("h1");
    }

    @Test
    void otherZones_zoneTaken_isRefused() {
        List<Candidate> hosts =
                List.of(host("h1", "a", used(0), "m-1"), host("h2", "a", used(0)), host("h3", "b", used(6_000)));
        Demand demand = new Demand(SMALL, new Placement(Optional.empty(), Set.of("m-1"), true));
        assertThat(chosen(hosts, demand, Strategy.SPREAD)).isEqualTo("h3");
        assertThat(refused(hosts.subList(0, 2), demand))
                .contains("h2 (a): its zone carries another member of the same instance");
    }

    @Test
    void zone_pinned_isNeverLeft() {
        List<Candidate> hosts = List.of(host("h1", "a", used(7_500)), host("h2", "b", used(0)));
        Demand demand = new Demand(SMALL, new Placement(Optional.of("a"), Set.of()));
        assertThat(refused(hosts, demand))
                .containsExactly("h1 (a): lacks processors (needs 1.0, has 0.5)", "h2 (b): is not in zone a");
    }

    @Test
    void capacity_exactlyFits_isTaken() {
        List<Candidate> hosts = List.of(host("h1", "a", new Amounts(7_000, 31 * GIB, 480 * GIB)));
        assertThat(chosen(hosts, anywhere(), Strategy.SPREAD)).isEqualTo("h1");
    }

    @Test
    void capacity_oneTooMuchOfEach_isNamed() {
        List<Candidate> hosts = List.of(host("h1", "a", new Amounts(7_001, 31 * GIB + 1, 480 * GIB + 1)));
        assertThat(refused(hosts, anywhere()).get(0)).contains("processors", "memory", "storage");
    }

    @Test
    void mode_notEnabled_takesNothing() {
        List<Candidate> hosts = List.of(
                with(host("h1", "a", used(0)), Mode.DISABLED, Optional.empty()),
                with(host("h2", "a", used(0)), Mode.DRAINING, Optional.empty()),
                with(host("h3", "a", used(0)), Mode.ENABLED, Optional.of("no route")),
                with(host("h4", "a", used(0)), Mode.LOST, Optional.of("no route")));
        assertThat(refused(hosts, anywhere()))
                .containsExactly(
                        "h1 (a): is disabled",
                        "h2 (a): is being drained",
                        "h3 (a): cannot be reached: no route",
                        "h4 (a): is lost for good");
    }

    @Test
    void noHost_atAll_isSaid() {
        assertThat(refused(List.of(), anywhere())).containsExactly("there is no host");
    }

    @Test
    void share_seventyPercent_isWhatMembersGet() {
        assertThat(new Amounts(8_000, 1_000, 2_000).share(70)).isEqualTo(new Amounts(5_600, 700, 1_400));
    }

    static Stream<Long> seeds() {
        return IntStream.range(0, 200).mapToObj(Long::valueOf);
    }

    /** Many placements in a row: nothing is overcommitted, apart stays apart, a refusal is only given where nothing fits. */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void choose_manyInARow_keepsEveryRule(long seed) {
        Random random = new Random(seed);
        Map<String, Amounts> committed = new HashMap<>();
        Map<String, Set<String>> carried = new HashMap<>();
        List<String> names =
                IntStream.range(0, 2 + random.nextInt(5)).mapToObj(i -> "h" + i).toList();
        Strategy strategy = Strategy.values()[random.nextInt(2)];
        for (int i = 0; i < 40; i++) {
            String instance = "i" + random.nextInt(8) + ".";
            String member = "m-" + i;
            Demand demand = new Demand(
                    new Amounts(100 + random.nextInt(3_000), random.nextLong(8 * GIB), random.nextLong(100 * GIB)),
                    new Placement(
                            random.nextInt(4) == 0 ? Optional.of("z" + random.nextInt(2)) : Optional.empty(),
                            others(carried, instance),
                            random.nextBoolean()));
            List<Candidate> hosts = new ArrayList<>();
            for (String name : names) {
                hosts.add(new Candidate(
                        new Location("z" + name.charAt(1) % 2, name),
                        Mode.ENABLED,
                        Optional.empty(),
                        ROOMY,
                        committed.getOrDefault(name, Amounts.NOTHING),
                        of(carried, name, instance)));
            }
            Decision decision = HostPlanner.choose(hosts, demand, strategy);
            Collections.shuffle(hosts, random);
            if (decision instanceof Decision.Chosen c) {
                assertThat(HostPlanner.choose(hosts, demand, strategy))
                        .as("order does not matter")
                        .isEqualTo(c);
                String host = c.location().host();
                Amounts sum = committed.getOrDefault(host, Amounts.NOTHING).plus(demand.amounts());
                assertThat(sum.cpuMillis()).isLessThanOrEqualTo(ROOMY.cpuMillis());
                assertThat(sum.memory()).isLessThanOrEqualTo(ROOMY.memory());
                assertThat(sum.storage()).isLessThanOrEqualTo(ROOMY.storage());
                assertThat(of(carried, host, instance)).as("one host each").isEmpty();
                demand.placement().zone().ifPresent(z -> assertThat(c.location().zone())
                        .isEqualTo(z));
                committed.put(host, sum);
                carried.computeIfAbsent(host, h -> new HashSet<>()).add(instance + member);
            } else {
                assertThat(((Decision.Refused) decision).reasons()).hasSameSizeAs(hosts);
                // Alone, a host does not know which zones are taken.
                for (Candidate host : demand.placement().otherZones() ? List.<Candidate>of() : hosts) {
                    assertThat(HostPlanner.choose(List.of(host), demand, strategy))
                            .isInstanceOf(Decision.Refused.class);
                }
            }
        }
    }

    private static Set<String> of(Map<String, Set<String>> carried, String host, String instance) {
        Set<String> members = new HashSet<>();
        carried.getOrDefault(host, Set.of()).stream()
                .filter(m -> m.startsWith(instance))
                .forEach(m -> members.add(m.substring(instance.length())));
        return members;
    }

    private static Set<String> others(Map<String, Set<String>> carried, String instance) {
        Set<String> members = new HashSet<>();
        carried.keySet().forEach(host -> members.addAll(of(carried, host, instance)));
        return members;
    }
}
