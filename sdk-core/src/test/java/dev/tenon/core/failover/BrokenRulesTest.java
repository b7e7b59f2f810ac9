package dev.tenon.core.failover;

import static dev.tenon.core.failover.Fault.Kind.CUT_BOTH_WAYS;
import static dev.tenon.core.failover.Fault.Kind.CUT_FROM_PLANES;
import static dev.tenon.core.failover.Fault.Kind.CUT_WHEN_PROMOTED;
import static dev.tenon.core.failover.Fault.Kind.KILL_HOST;
import static dev.tenon.core.failover.Fault.Kind.RENEW_MEMBER;
import static dev.tenon.core.failover.Fault.Kind.SWITCH_OVER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.failover.Scenario.Break;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/**
 * Each rule broken on purpose: the simulation must find what that costs. A search begins at a seed near one known to find it and goes
 * on, so that a change of the protocol moves a test and does not blind it.
 */
final class BrokenRulesTest {
    private static final int MOST_SEEDS = 150;

    // ---- the record and the primary's setting ----

    @Test
    void leave_recordedAfterThePrimaryRelaxes_isCaught() {
        caught(
                "leave recorded too late",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Quorum whileChanging(Quorum guaranteed, Quorum next) {
                        return next.alone() ? guaranteed : super.whileChanging(guaranteed, next);
                    }
                }));
    }

    @Test
    void leave_withdrawnOnceTheOrderIsAccepted_isCaught() {
        caught(
                "leave withdrawn once the order is accepted",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    boolean proved(Seen.Member primary, long revision) {
                        return primary.is(Seen.State.PRIMARY, revision);
                    }
                }));
    }

    @Test
    void leave_withdrawnOnceTheConfigurationShowsIt_isCaught() {
        caught(
                "in force by configuration",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules(), Break.IN_FORCE_BY_CONFIGURATION));
    }

    @Test
    void strongerRule_recordedOnceInForceWithoutAnAcknowledgedWrite_isCaught() {
        caught(
                "in force, but not proved by a write",
                1,
                "was acknowledged and",
                seed -> Scenario.oneMoreWhileOneLags(seed, new Rules() {
                    @Override
                    boolean proved(Seen.Member primary, long revision) {
                        return primary.is(Seen.State.PRIMARY, revision) && primary.inForce() == revision;
                    }
                }));
    }

    @Test
    void standbys_grownOnThePrimaryBeforeTheRecord_isCaught() {
        caught(
                "S grown on the primary before the record",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Quorum whileChanging(Quorum guaranteed, Quorum next) {
                        boolean grows = guaranteed.needed() == next.needed()
                                && next.members().containsAll(guaranteed.members());
                        return grows ? guaranteed : super.whileChanging(guaranteed, next);
                    }
                }));
    }

    @Test
    void standbys_shrunkInTheRecordBeforeThePrimary_isCaught() {
        caught(
                "S shrunk in the record before the primary",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Quorum whileChanging(Quorum guaranteed, Quorum next) {
                        boolean shrinks = guaranteed.needed() == next.needed()
                                && guaranteed.members().containsAll(next.members());
                        return shrinks ? next : super.whileChanging(guaranteed, next);
                    }
                }));
    }

    @Test
    void twoRules_recordedAsTheOneThatNeedsMoreConfirmations_isCaught() {
        caught(
                "the weaker of two rules instead of their hull",
                1,
                "recorded is",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Quorum whileChanging(Quorum guaranteed, Quorum next) {
                        if (guaranteed.alone() || next.alone()) {
                            return Quorum.ALONE;
                        }
                        return guaranteed.revoking() >= next.revoking() ? guaranteed : next;
                    }
                }));
    }

    // ---- revoke, elect, promote ----

    @Test
    void promotion_beforeTheStandbysStoppedReceiving_isCaught() {
        caught(
                "promote before revoke",
                1,
                "can still acknowledge",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    boolean detached(Seen.Member standby, long revision) {
                        return standby.answers() && standby.state() == Seen.State.STANDBY;
                    }
                }));
    }

    @Test
    void confirmations_ofAnEarlierRevision_areCaught() {
        caught(
                "confirmations of an earlier revision",
                24,
                "can still acknowledge",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    boolean detached(Seen.Member standby, long revision) {
                        return standby.answers()
                                && standby.state() == Seen.State.STANDBY
                                && standby.receivesFrom().isEmpty();
                    }
                }));
    }

    @Test
    void confirmations_oneTooFew_areCaught() {
        caught(
                "fewer than |S| - k + 1",
                44,
                "",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    int confirmations(Quorum guaranteed) {
                        return Math.max(1, guaranteed.revoking() - 1);
                    }
                }));
    }

    @Test
    void confirmation_beforeTheReceiverEnded_isCaught() {
        caught(
                "confirmed before the receiver ended",
                1,
                "",
                seed -> Scenario.frozen(seed, new Rules(), Break.CONFIRM_BEFORE_END));
    }

    @Test
    void election_ofAnotherThanTheFurthest_isCaught() {
        caught(
                "not the greatest flushed position",
                1,
                "was acknowledged and",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Comparator<Seen.Member> furthest() {
                        return super.furthest().reversed();
                    }
                }));
    }

    @Test
    void election_ofOneThatHasNotReachedTheTimeline_isCaught() {
        caught(
                "electing who has not reached the timeline",
                24,
                "",
                seed -> Scenario.focused(
                        seed,
                        new Rules() {
                            @Override
                            boolean mayLead(Seen.Member standby, int timeline) {
                                return true;
                            }
                        },
                        Set.of(),
                        KILL_HOST,
                        CUT_BOTH_WAYS,
                        CUT_FROM_PLANES));
    }

    @Test
    void promotion_beforeTheSettingIsInForce_isCaught() {
        caught(
                "promoted before its setting is in force",
                37,
                "recorded is",
                seed -> Scenario.random(seed, new Rules(), Break.PROMOTE_BEFORE_SETTING));
    }

    @Test
    void oldOrders_accepted_areCaught() {
        caught(
                "orders of an older epoch or revision accepted",
                55,
                "",
                seed -> Scenario.random(seed, new Rules(), Break.ACCEPT_OLD_ORDERS));
    }

    @Test
    void quietTime_ignored_isCaught() {
        caught(
                "anti-flap ignored",
                1,
                "two automatic fail-overs",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    boolean quietEnough(Optional<Instant> last, Instant now, Duration quiet) {
                        return true;
                    }
                }));
    }

    // ---- coming back ----

    @Test
    void oldPrimary_thatRejoinsAsItIs_isCaught() {
        caught(
                "rejoins without rewind",
                1,
                "not whole again",
                seed -> Scenario.random(seed, new Rules(), Break.SKIP_REWIND));
    }

    @Test
    void memberGivenUpAfterItsElection_rewoundInsteadOfCloned_isCaught() {
        caught(
                "given up and rewound",
                1,
                "another history",
                seed -> Scenario.focused(
                        seed,
                        new Rules() {
                            @Override
                            Rebuild.How givenUp() {
                                return Rebuild.How.REWIND;
                            }
                        },
                        Set.of(),
                        CUT_WHEN_PROMOTED,
                        KILL_HOST,
                        SWITCH_OVER));
    }

    @Test
    void newData_copiedFromAStandby_isCaught() {
        caught(
                "cloned from a standby",
                46,
                "was acknowledged and",
                seed -> Scenario.focused(
                        seed, new Rules(), Set.of(Break.CLONE_FROM_STANDBY), RENEW_MEMBER, CUT_BOTH_WAYS, KILL_HOST));
    }

    // ---- async ----

    @Test
    void asyncLoss_greaterThanAgreed_isCaught() {
        caught(
                "async loses more than was agreed to",
                18,
                "more than",
                seed -> Scenario.async(seed, new Rules() {
                    @Override
                    boolean agreedTo(Loss loss, Durability.Async agreed, Instant now) {
                        return true;
                    }
                }));
    }

    @Test
    void asyncLoss_notAnnounced_isCaught() {
        caught(
                "async loses without announcing it",
                1,
                "was acknowledged and",
                seed -> Scenario.async(seed, new Rules() {
                    @Override
                    Optional<Loss> announced(Loss loss) {
                        return Optional.empty();
                    }
                }));
    }

    // ---- shrinking ----

    @Test
    void violation_isShrunk_toFewFaultsAndATrace() {
        Scenario found = caught(
                "for the report",
                1,
                "",
                seed -> Scenario.random(seed, new Rules() {
                    @Override
                    Comparator<Seen.Member> furthest() {
                        return super.furthest().reversed();
                    }
                }));

        Scenario shrunk = Shrinker.shrink(found);

        assertThat(shrunk.faults()).hasSizeLessThan(found.faults().size());
        assertThat(Shrinker.report(found)).contains("seed " + found.seed(), "record 2:", "was acknowledged");
    }

    private static Scenario caught(String what, long firstSeed, String how, LongFunction<Scenario> scenarios) {
        long steps = 0;
        for (long seed = firstSeed; seed < firstSeed + MOST_SEEDS; seed++) {
            Scenario scenario = scenarios.apply(seed);
            Simulation.Outcome outcome = Simulation.run(scenario);
            steps += outcome.steps();
            if (outcome.violation().isPresent()) {
                System.out.printf(
                        "broken rule \"%s\": caught after %d steps, in seed %d: %s%n",
                        what, steps, seed, outcome.violation().get());
                assertThat(outcome.violation().get()).contains(how);
                return scenario;
            }
        }
        throw new AssertionError(what + " was not caught in " + steps + " steps");
    }
}
