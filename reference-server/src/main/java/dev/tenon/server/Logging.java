package dev.tenon.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;

/** How the server logs: one line per record to standard output. In code, because reading XML would double the time to start. */
public final class Logging extends ContextAwareBase implements Configurator {
    @Override
    public ExecutionStatus configure(LoggerContext logs) {
        PatternLayoutEncoder lines = new PatternLayoutEncoder();
        lines.setContext(logs);
        // Line breaks in a message cannot fake a record of their own.
        lines.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX,UTC} %-5level [%thread] %logger{20}"
                + " %replace(%msg){'[\\r\\n\\x1b]+', ' '}%n%ex");
        lines.start();
        ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
        console.setContext(logs);
        console.setEncoder(lines);
        console.start();
        ch.qos.logback.classic.Logger root = logs.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(console);
        logs.getLogger("io.javalin").setLevel(Level.WARN);
        logs.getLogger("org.eclipse.jetty").setLevel(Level.WARN);
        logs.getLogger("org.flywaydb").setLevel(Level.WARN);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }
}
