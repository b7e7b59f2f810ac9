package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProcFsTest {
    private static final String REST =
            " S 1 42 42 0 -1 4194560 1 2 3 4 70 30 0 0 20 0 1 0 383971 1000 250 18446744073709551615";

    @Test
    void stat_nameWithBlanksAndBrackets_isRead() {
        assertThat(ProcFs.Stat.parse("42 (a) b (c)" + REST)).hasValueSatisfying(s -> {
            assertThat(s.pid()).isEqualTo(42);
            assertThat(s.parent()).isEqualTo(1);
            assertThat(s.cpuTicks()).isEqualTo(100);
            assertThat(s.started()).isEqualTo(383971);
            assertThat(s.residentPages()).isEqualTo(250);
            assertThat(s.zombie()).isFalse();
        });
    }

    @Test
    void stat_cutOff_isNothing() {
        assertThat(ProcFs.Stat.parse("42 (a) S 1 2")).isEmpty();
        assertThat(ProcFs.Stat.parse("")).isEmpty();
    }

    @Test
    void listener_ofAnIpv4Address_isFoundByItsPort() {
        String line =
                "   0: 0100007F:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1";
        assertThat(ProcFs.parseListener(line)).hasValueSatisfying(l -> {
            assertThat(l.port()).isEqualTo(20_000);
            assertThat(l.addressHex()).isEqualTo(ProcFs.hex("127.0.0.1"));
            assertThat(l.inode()).isEqualTo(4711);
            assertThat(l.wildcard()).isFalse();
        });
        assertThat(ProcFs.parseListener(line.replace(" 0A ", " 01 ")))
                .as("connected")
                .isEmpty();
    }

    @Test
    void runs_ourselves_onlyWithTheRightStart() {
        ProcFs proc = new ProcFs(Path.of("/proc"));
        long pid = ProcessHandle.current().pid();
        long started = proc.stat(pid).orElseThrow().started();
        assertThat(proc.runs(pid, started)).isTrue();
        assertThat(proc.runs(pid, started + 1))
                .as("another process with the same number")
                .isFalse();
    }
}
