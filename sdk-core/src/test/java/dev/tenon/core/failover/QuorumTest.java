package dev.tenon.core.failover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class QuorumTest {
    private static final List<String> NAMES = List.of("a", "b", "c", "d");

    private static Set<String> subset(int bits) {
        Set<String> members = new TreeSet<>();
        for (int i = 0; i < NAMES.size(); i++) {
            if ((bits & 1 << i) != 0) {
                members.add(NAMES.get(i));
            }
        }
        return members;
    }

    private static List<Quorum> all() {
        List<Quorum> all = new ArrayList<>(List.of(Quorum.ALONE));
        for (int bits = 1; bits < 16; bits++) {
            for (int needed = 1; needed <= subset(bits).size(); needed++) {
                all.add(new Quorum(subset(bits), needed));
            }
        }
        return all;
    }

    private static boolean acknowledges(Quorum quorum, Set<String> flushed) {
        return flushed.stream().filter(quorum.members()::contains).count() >= quorum.needed();
    }

    @Test
    void revoking_everyPairOfSets_meets() {
        for (Quorum quorum : all()) {
            for (int stopped = 0; stopped < 16; stopped++) {
                for (int flushed = 0; flushed < 16; flushed++) {
                    Set<String> both = subset(stopped & flushed);
                    boolean enough = subset(stopped).stream()
                                    .filter(quorum.members()::contains)
                                    .count()
                            >= quorum.revoking();
                    if (enough && acknowledges(quorum, subset(flushed))) {
                        assertThat(both).as("%s", quorum).isNotEmpty();
                    }
                }
            }
        }
    }

    @Test
    void hull_whateverEitherAcknowledges_isCovered() {
        for (Quorum one : all()) {
            for (Quorum other : all()) {
                Quorum hull = one.hull(other);
                assertThat(hull).isEqualTo(other.hull(one));
                assertThat(hull.covers(one)).isTrue();
                for (int flushed = 0; flushed < 16; flushed++) {
                    if (acknowledges(one, subset(flushed))) {
                        assertThat(acknowledges(hull, subset(flushed)))
                                .as("%s and %s", one, other)
                                .isTrue();
                    }
                }
            }
        }
    }

    @Test
    void alone_canNeverBeRevoked() {
        assertThat(Quorum.ALONE.revoking()).isEqualTo(1);
        assertThat(Quorum.ALONE.members()).isEmpty();
        assertThat(new Quorum(Set.of("a", "b"), 1).hull(Quorum.ALONE)).isEqualTo(Quorum.ALONE);
    }

    @Test
    void quorum_thatCannotBeFulfilled_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Quorum(Set.of("a"), 2));
        assertThatIllegalArgumentException().isThrownBy(() -> new Quorum(Set.of("a"), 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new Quorum(Set.of(), 1));
    }
}
