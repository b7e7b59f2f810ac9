package dev.tenon.core.failover;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FleetBrakeTest {
    @ParameterizedTest
    @CsvSource({
        // instances, look dead, under way, proof, held
        "100, 1, 0, false, false",
        "100, 20, 0, false, false",
        "100, 21, 0, false, true",
        "100, 21, 0, true, false",
        "4, 4, 0, false, false",
        "1000, 1000, 19, true, false",
        "1000, 1000, 20, true, true",
    })
    void brake_muchOfTheFleetLooksDead_holds(int instances, int lookDead, int underWay, boolean proof, boolean held) {
        assertThat(FleetBrake.DEFAULT
                        .holds(instances, lookDead, underWay, proof)
                        .isPresent())
                .isEqualTo(held);
    }
}
