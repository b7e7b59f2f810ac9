package dev.tenon.testkit.ssh;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIf;

/** Skips a class where Docker does not answer. An assumption in {@code @BeforeAll} would leave no trace of it in the reports. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(value = "dev.tenon.testkit.ssh.SshContainer#dockerAnswers", disabledReason = "Docker does not answer here")
@interface NeedsDocker {}
