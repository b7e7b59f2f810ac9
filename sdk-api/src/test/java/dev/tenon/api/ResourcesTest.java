package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResourcesTest {
    private static final DataSize GIB = DataSize.gib(1);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-1",
                "0.09",
                "256.001",
                "1e9",
                "1e-7",
                "1e999999999",
                "1e-999999999",
                "0.1234",
                "1.0000000001"
            })
    void cpus_outOfBounds_areRefused(String cpus) {
        assertRefused(() -> new Resources(new BigDecimal(cpus), GIB, GIB), "resources.cpus");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void cpus_notANumber_areRefused(double cpus) {
        assertRefused(() -> Resources.of(cpus, GIB, GIB), "resources.cpus");
    }

    @Test
    void memoryAndStorage_outOfBounds_areRefused() {
        assertRefused(() -> Resources.of(1, DataSize.mib(63), GIB), "resources.memory");
        assertRefused(() -> Resources.of(1, DataSize.gib(4097), GIB), "resources.memory");
        assertRefused(() -> Resources.of(1, GIB, DataSize.mib(255)), "resources.storage");
        assertRefused(() -> Resources.of(1, GIB, DataSize.gib(65537)), "resources.storage");
    }

    @Test
    void cpus_writtenDifferently_areEqual() {
        Resources half = new Resources(new BigDecimal("0.500"), GIB, GIB);

        assertThat(half).isEqualTo(Resources.of(0.5, GIB, GIB));
        assertThat(half.cpuMillis()).isEqualTo(500);
        assertThat(Resources.of(256, GIB, GIB).cpuMillis()).isEqualTo(256_000);
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String field) {
        assertThatThrownBy(call).isInstanceOfSatisfying(InvalidSpecException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.SIZE_INVALID);
            assertThat(e.field()).isEqualTo(field);
        });
    }
}
