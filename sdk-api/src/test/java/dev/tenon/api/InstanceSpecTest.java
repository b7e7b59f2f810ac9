package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class InstanceSpecTest {
    private final ObjectMapper json = new ObjectMapper().findAndRegisterModules();

    @Test
    void json_withPassword_leavesItOut() throws Exception {
        InstanceSpec spec = InstanceSpec.builder()
                .name("orders")
                .engine(EngineId.POSTGRESQL, "17")
                .plan("small")
                .password(Secret.of("correct horse battery"))
                .tag("team", "shop")
                .build();

        String text = json.writeValueAsString(spec);
        InstanceSpec read = json.readValue(text, InstanceSpec.class);

        assertThat(text).doesNotContain("horse").doesNotContain("password");
        assertThat(read)
                .isEqualTo(InstanceSpec.builder()
                        .from(spec)
                        .password(java.util.Optional.empty())
                        .build());
    }
}
