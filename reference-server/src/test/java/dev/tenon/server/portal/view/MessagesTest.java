package dev.tenon.server.portal.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.Preview;
import dev.tenon.api.Reason;
import dev.tenon.core.change.StepNames;
import dev.tenon.core.operation.Phase;
import dev.tenon.spi.delivery.Capability;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MessagesTest {
    @Test
    void languages_haveTheSameKeysAndHoles() {
        assertThat(Messages.CHINESE.keys()).isEqualTo(Messages.ENGLISH.keys());
        assertThat(Messages.ENGLISH.keys())
                .allSatisfy(key ->
                        assertThat(holes(Messages.CHINESE.t(key))).as(key).isEqualTo(holes(Messages.ENGLISH.t(key))));
    }

    private static java.util.SortedSet<String> holes(String text) {
        return new java.util.TreeSet<>(Pattern.compile("\\{\\d}")
                .matcher(text)
                .results()
                .map(m -> m.group())
                .toList());
    }

    @ParameterizedTest
    @EnumSource(ErrorCode.class)
    void errorCode_hasWords(ErrorCode code) {
        assertThat(Messages.ENGLISH.find("error." + code)).isPresent();
    }

    @ParameterizedTest
    @EnumSource(OperationKind.class)
    void operationKind_hasWords(OperationKind kind) {
        assertThat(Messages.ENGLISH.find("kind." + kind)).isPresent();
    }

    @ParameterizedTest
    @EnumSource(OperationState.class)
    void operationState_hasWords(OperationState state) {
        assertThat(Messages.ENGLISH.find("state." + state)).isPresent();
    }

    @ParameterizedTest
    @EnumSource(Preview.WarningCode.class)
    void warning_hasWords(Preview.WarningCode code) {
        assertThat(Messages.ENGLISH.find("warning." + code)).isPresent();
    }

    @ParameterizedTest
    @EnumSource(
            value = Reason.Code.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SAID", "ERROR"})
    void reason_hasWords(Reason.Code code) {
        assertThat(Messages.ENGLISH.find("reason." + code)).isPresent();
    }

    @Test
    void step_hasWords() {
        List<String> steps = new ArrayList<>(List.of(StepNames.KILL_HUNG, StepNames.JOIN, StepNames.SYNC));
        for (OperationKind kind : OperationKind.values()) {
            for (Phase phase : Phase.values()) {
                steps.addAll(StepNames.of(kind, phase, false));
                steps.addAll(StepNames.of(kind, phase, true));
            }
        }

        assertThat(steps).allSatisfy(step -> assertThat(Messages.ENGLISH.find("step." + step))
                .as(step)
                .isPresent());
    }

    @ParameterizedTest
    @EnumSource(Grant.class)
    void grant_hasWords(Grant grant) {
        assertThat(Messages.ENGLISH.find("grant." + grant)).isPresent();
    }

    @ParameterizedTest
    @EnumSource(Capability.class)
    void capability_hasWords(Capability capability) {
        assertThat(Messages.ENGLISH.find("capability." + capability)).isPresent();
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "en, 'zh-CN', en",
                "zh-CN, 'en', zh-CN",
                "'', 'zh-CN,zh;q=0.9,en;q=0.8', zh-CN",
                "'', 'zh-TW', zh-CN",
                "'', 'en-GB,zh;q=0.5', en",
                "'', 'de,fr', en",
                "'', '', en",
                "'', ';;;', en",
                "xx, 'zh', zh-CN"
            })
    void choose_byWishThenBrowser(String chosen, String accepted, String tag) {
        assertThat(Messages.choose(chosen, accepted).tag()).isEqualTo(tag);
    }
}
