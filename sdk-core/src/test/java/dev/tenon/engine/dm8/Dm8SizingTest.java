package dev.tenon.engine.dm8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.Resources;
import dev.tenon.spi.engine.Sizing;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tuning rules are those that two public ports of the vendor's AutoParaAdj script agree on. */
class Dm8SizingTest {
    static Stream<Long> memories() {
        return Stream.of(
                3584L, 4096L, 8192L, 16_384L, 17_777L, 17_778L, 32_768L, 71_111L, 71_112L, 131_072L, 1_048_576L);
    }

    @ParameterizedTest
    @MethodSource("memories")
    void sizing_anyMemory_keepsItsWorstCaseInside(long mib) {
        Sizing sizing = Dm8Sizing.of(Resources.of(8, DataSize.mib(mib), DataSize.gib(50)));
        assertThat(sizing.worstCase().toMib()).isLessThanOrEqualTo(mib * 9 / 10);
        assertThat(Long.parseLong(Dm8Sizing.value(sizing, "BUFFER"))).isGreaterThan(mib / 10);
        assertThat(sizing.proof()).hasSize(2);
    }

    @Test
    void sizing_eightGib_followsTheLowestBand() {
        // 90 % of 8,192 MB is 7,372 MB.
        Sizing sizing = Dm8Sizing.of(Dm8Requests.EIGHT_GIB);
        assertThat(Dm8Sizing.value(sizing, "MEMORY_TARGET")).isEqualTo("884");
        assertThat(Dm8Sizing.value(sizing, "BUFFER")).isEqualTo("2948");
        assertThat(Dm8Sizing.value(sizing, "BUFFER_POOLS")).isEqualTo("11");
        assertThat(Dm8Sizing.value(sizing, "RECYCLE")).isEqualTo("294");
        assertThat(Dm8Sizing.value(sizing, "RECYCLE_POOLS")).isEqualTo("5");
        assertThat(Dm8Sizing.value(sizing, "MEMORY_POOL")).isEqualTo("400");
        assertThat(Dm8Sizing.value(sizing, "CACHE_POOL_SIZE")).isEqualTo("200");
        assertThat(Dm8Sizing.value(sizing, "HJ_BUF_GLOBAL_SIZE")).isEqualTo("500");
        assertThat(Dm8Sizing.value(sizing, "WORKER_THREADS")).isEqualTo("4");
    }

    @Test
    void sizing_hundredGib_followsTheHighestBand() {
        // 90 % of 102,400 MB is 92,160 MB.
        Sizing sizing = Dm8Sizing.of(Resources.of(80, DataSize.gib(100), DataSize.gib(500)));
        assertThat(Dm8Sizing.value(sizing, "BUFFER")).isEqualTo("33864");
        assertThat(Dm8Sizing.value(sizing, "BUFFER_POOLS")).isEqualTo("101");
        assertThat(Dm8Sizing.value(sizing, "RECYCLE_POOLS")).isEqualTo("41");
        assertThat(Dm8Sizing.value(sizing, "HJ_BUF_GLOBAL_SIZE")).isEqualTo("14400");
        assertThat(Dm8Sizing.value(sizing, "SORT_FLAG")).isEqualTo("1");
        assertThat(Dm8Sizing.value(sizing, "WORKER_THREADS")).isEqualTo("64");
        assertThat(Dm8Sizing.value(sizing, "IO_THR_GROUPS")).isEqualTo("8");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 1.0, 1.5, 7.999})
    void sizing_fractionsOfAProcessor_countAsOneMore(double cpus) {
        Sizing sizing = Dm8Sizing.of(Resources.of(cpus, DataSize.gib(8), DataSize.gib(50)));
        assertThat(Long.parseLong(Dm8Sizing.value(sizing, "WORKER_THREADS"))).isEqualTo((long) Math.ceil(cpus));
    }
}
