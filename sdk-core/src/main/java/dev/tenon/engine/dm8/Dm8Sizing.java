package dev.tenon.engine.dm8;

import dev.tenon.api.DataSize;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Resources;
import dev.tenon.spi.engine.Sizing;
import dev.tenon.spi.engine.Sizing.Setting;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * The rules that public ports of the vendor's tuning script AutoParaAdj agree on, without their rounding to 1,000 MB, on 90 %
 * of the member's memory. The rest is for what the script does not count: sessions, for which no figure is published.
 */
final class Dm8Sizing {
    /** Below this the script's fixed pools leave no buffer worth the name; it gives up itself at 2,000 MB. */
    static final DataSize LEAST_MEMORY = DataSize.mib(3584);

    /** A fifth is for the archive, whose limit the server takes only from 1,024 MB on. */
    static final DataSize LEAST_STORAGE = DataSize.gib(5);

    private static final int FIXED_POOLS_FROM = 70_000;

    private Dm8Sizing() {}

    static Sizing of(Resources resources) {
        atLeast("resources.memory", resources.memory(), LEAST_MEMORY);
        atLeast("resources.storage", resources.storage(), LEAST_STORAGE);
        long budget = resources.memory().toMib() * 9 / 10;
        long v = budget > 512_000 ? budget * 8 / 10 : budget;
        int n = resources.cpus().setScale(0, RoundingMode.CEILING).intValueExact();
        boolean middle = v >= 16_000;
        boolean large = v >= 64_000;

        long target = v * 12 / 100;
        long recycle = v * 4 / 100;
        long sixteenth = v / 16;
        long memoryPool = !middle ? Math.max(200, sixteenth / 100 * 100) : v == 16_000 ? 1500 : 2000;
        long cache = large ? 2048 : middle ? 512 : 200;
        long redo = large ? 2048 : middle ? 1024 : 256;
        long sort = large ? v * 2 / 100 : middle ? 1000 : 500;
        long hashJoin = large ? v * 15_625 / 100_000 : middle ? Math.min(sixteenth, 10_000) : Math.max(sixteenth, 500);
        long hashGroup = large ? v * 4 / 100 : middle ? Math.min(sixteenth, 10_000) : Math.max(sixteenth, 500);
        long hashOne = large ? 512 : middle ? 250 : Math.max(v / 160, 50);
        long dictionary = 50;
        long others = target + memoryPool + recycle + hashJoin + hashGroup + cache + dictionary + sort + redo;
        long buffer = Math.min(v * 40 / 100 - (large ? 3000 : 0), v - others);

        var settings = new ArrayList<Setting>();
        put(settings, "MEMORY_TARGET", target, "12 % of " + v + " MB");
        put(settings, "BUFFER", buffer, "40 % of " + v + " MB, or what the other pools leave");
        put(settings, "BUFFER_POOLS", v < FIXED_POOLS_FROM ? primeAbove(v / 800) : 101, "a prime, one per 800 MB");
        put(settings, "RECYCLE", recycle, "4 % of " + v + " MB");
        put(settings, "RECYCLE_POOLS", v < FIXED_POOLS_FROM ? primeAbove(v / 2400) : 41, "a prime, one per 2,400 MB");
        put(settings, "MEMORY_POOL", memoryPool, "6.25 % of small memory, 2,000 MB of more");
        put(settings, "MEMORY_N_POOLS", large ? 59 : v > 16_000 ? 11 : middle ? 3 : 1, "by memory");
        put(settings, "CACHE_POOL_SIZE", cache, "by memory");
        put(settings, "RLOG_POOL_SIZE", redo, "by memory");
        put(settings, "SORT_FLAG", large ? 1 : 0, "by memory");
        put(settings, "SORT_BLK_SIZE", 1, "the script's fixed value");
        put(settings, "SORT_BUF_SIZE", large ? 50 : 10, "by memory");
        put(settings, "SORT_BUF_GLOBAL_SIZE", sort, "by memory");
        put(settings, "HJ_BUF_GLOBAL_SIZE", hashJoin, "all hash joins together");
        put(settings, "HJ_BUF_SIZE", hashOne, "one hash join");
        put(settings, "HAGR_BUF_GLOBAL_SIZE", hashGroup, "all hash aggregations together");
        put(settings, "HAGR_BUF_SIZE", hashOne, "one hash aggregation");
        put(settings, "DICT_BUF_SIZE", dictionary, "the script's fixed value");
        put(settings, "WORKER_THREADS", Math.min(n, 64), "one per processor, 64 at most");
        put(settings, "TASK_THREADS", n >= 64 ? 16 : 4, "by processors");
        put(settings, "IO_THR_GROUPS", n >= 64 ? 8 : n < 8 ? 2 : 4, "by processors");
        put(settings, "MAX_SESSIONS", 1500, "the script's fixed value");
        return new Sizing(
                settings,
                DataSize.mib(others + buffer),
                List.of(
                        "MEMORY_TARGET " + target + " + BUFFER " + buffer + " + RECYCLE " + recycle + " + MEMORY_POOL "
                                + memoryPool + " + HJ_BUF_GLOBAL_SIZE " + hashJoin + " + HAGR_BUF_GLOBAL_SIZE "
                                + hashGroup
                                + " + CACHE_POOL_SIZE " + cache + " + DICT_BUF_SIZE " + dictionary
                                + " + SORT_BUF_GLOBAL_SIZE " + sort + " + RLOG_POOL_SIZE " + redo + " = "
                                + (others + buffer) + " MB, at most 90 % of "
                                + resources.memory().toMib() + " MB",
                        "memory of sessions is not counted: no figure is published"));
    }

    /** Returns a setting's value, which must be there. */
    static String value(Sizing sizing, String name) {
        return sizing.settings().stream()
                .filter(setting -> setting.name().equals(name))
                .findFirst()
                .orElseThrow()
                .value();
    }

    private static void atLeast(String field, DataSize seen, DataSize least) {
        if (seen.compareTo(least) < 0) {
            throw new InvalidSpecException(ErrorCode.SIZE_INVALID, field, seen + "; DM8 needs at least " + least);
        }
    }

    private static void put(List<Setting> settings, String name, long value, String reason) {
        settings.add(new Setting(name, Long.toString(value), reason));
    }

    private static long primeAbove(long n) {
        return java.math.BigInteger.valueOf(n).nextProbablePrime().longValueExact();
    }
}
