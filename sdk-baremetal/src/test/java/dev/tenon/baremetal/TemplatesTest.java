package dev.tenon.baremetal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Secret;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TemplatesTest {
    private static final RunAs RUN_AS =
            new RunAs(new RunAs.User("nobody", 65534, 65534), new RunAs.User("root", 0, 0), Optional.empty());

    private static InitialiseStep step(String argument, Optional<Secret> stdin, boolean identityFree) {
        return new InitialiseStep(
                "init",
                new Command(
                        List.of(Template.text("initdb"), Template.text(argument)),
                        Map.of(),
                        stdin,
                        Duration.ofSeconds(1)),
                "data",
                "PG_VERSION",
                identityFree);
    }

    private static String key(InitialiseStep step) {
        return Templates.key("postgresql-17.11-x", RUN_AS, List.of(step));
    }

    @Test
    void key_sameSteps_isTheSame() {
        assertThat(key(step("-k", Optional.of(Secret.of("SELECT 1")), true)))
                .isEqualTo(key(step("-k", Optional.of(Secret.of("SELECT 1")), true)));
    }

    @Test
    void key_otherArgumentsInputOrBuild_differs() {
        String base = key(step("-k", Optional.of(Secret.of("SELECT 1")), true));
        assertThat(key(step("-j", Optional.of(Secret.of("SELECT 1")), true))).isNotEqualTo(base);
        assertThat(key(step("-k", Optional.of(Secret.of("SELECT 2")), true))).isNotEqualTo(base);
        assertThat(Templates.key(
                        "postgresql-17.12-x", RUN_AS, List.of(step("-k", Optional.of(Secret.of("SELECT 1")), true))))
                .isNotEqualTo(base);
    }

    @Test
    void shared_stepAfterOneWithIdentity_isNot() {
        MemberWorkload workload = MemberWorkload.builder()
                .from(TestWorkloads.sleeper(TestWorkloads.ref(), true, "true"))
                .addInitialise(step("a", Optional.empty(), true))
                .addInitialise(step("b", Optional.empty(), false))
                .addInitialise(step("c", Optional.empty(), true))
                .build();
        assertThat(Templates.shared(workload)).containsExactly(step("a", Optional.empty(), true));
    }
}
