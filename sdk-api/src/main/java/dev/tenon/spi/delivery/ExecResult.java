package dev.tenon.spi.delivery;

/**
 * How a command ended.
 *
 * @param exitCode the program's exit code
 * @param stdout at most 16 MiB
 * @param stderr at most 64 KiB
 */
public record ExecResult(int exitCode, String stdout, String stderr) {}
