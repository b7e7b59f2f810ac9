package dev.tenon.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.AccessDeniedException;
import dev.tenon.api.ErrorCategory;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProblemTest {
    @ParameterizedTest
    @EnumSource(ErrorCode.class)
    void status_ofEveryCode_fitsItsCategory(ErrorCode code) {
        int status = Problem.status(code);

        if (code.category() == ErrorCategory.USER || code.category() == ErrorCategory.CONFLICT) {
            assertThat(status).isBetween(400, 428);
        } else {
            assertThat(status).isIn(409, 429, 500, 503, 504, 507);
        }
    }

    @Test
    void of_ourFailure_saysCodeFieldAndText() {
        Problem problem = Problem.of(new InvalidSpecException("a.b", "7; expected 8"), "r-1");

        assertThat(problem.status()).isEqualTo(400);
        assertThat(problem.code()).isEqualTo(ErrorCode.SPEC_INVALID);
        assertThat(problem.field()).contains("a.b");
        assertThat(problem.detail()).isEqualTo("a.b: 7; expected 8");
        assertThat(problem.instance()).isEqualTo("r-1");
    }

    @Test
    void of_foreignFailure_saysNothingOfIt() {
        Problem problem = Problem.of(new IllegalStateException("password=hunter2"), "r-1");

        assertThat(problem.status()).isEqualTo(500);
        assertThat(problem.toString()).doesNotContain("hunter2", "IllegalState");
    }

    @Test
    void of_deniedLogin_alwaysReadsAlike() {
        Problem token = Problem.of(new AccessDeniedException(ErrorCode.UNAUTHENTICATED, "token expired"), "r");
        Problem password = Problem.of(new AccessDeniedException(ErrorCode.UNAUTHENTICATED, "wrong password"), "r");

        assertThat(token).isEqualTo(password);
    }

    @Test
    void of_transientFailure_saysWhenToTryAgain() {
        assertThat(Problem.of(new ProviderException(ErrorCode.STORE_UNAVAILABLE, "busy"), "r")
                        .retryAfterSeconds())
                .contains(1L);
        assertThat(Problem.of(HttpProblem.tooManyRequests("slow down", Duration.ofSeconds(9)), "r")
                        .retryAfterSeconds())
                .contains(9L);
    }
}
