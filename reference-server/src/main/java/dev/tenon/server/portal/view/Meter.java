package dev.tenon.server.portal.view;

import dev.tenon.api.DataSize;
import dev.tenon.api.Preview;
import dev.tenon.api.Quota;
import dev.tenon.api.TenantView;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/**
 * How much of something is used.
 *
 * @param used 0 to 100
 * @param next 0 to 100 after a change; not less than used where it matters
 * @param tone {@code ok}, {@code warn} or {@code bad}
 * @param text the numbers
 * @param label what it is, for those who hear the page
 */
public record Meter(int used, int next, String tone, String text, String label) {
    /** Returns the effect of a change on one resource of a quota. */
    public static Meter of(Preview.QuotaEffect effect, Page page) {
        BigDecimal used = number(effect.used());
        BigDecimal after = number(effect.after());
        BigDecimal limit = number(effect.limit());
        String text = (effect.used().equals(effect.after()) ? "" : words(effect.used()) + " → ") + words(effect.after())
                + " / " + words(effect.limit());
        return of(used, after, limit, text, page.t("quota." + effect.resource()));
    }

    /** Returns what a tenant uses of its quota, as words' key and meter. */
    public static List<Named> of(TenantView tenant, Page page) {
        Quota usage = tenant.usage();
        Quota limit = tenant.spec().quota();
        return List.of(
                named("instances", BigDecimal.valueOf(usage.instances()), BigDecimal.valueOf(limit.instances()), page),
                named("cpus", usage.cpus(), limit.cpus(), page),
                sized("memory", usage.memory(), limit.memory(), page),
                sized("storage", usage.storage(), limit.storage(), page));
    }

    /**
     * A meter with its name.
     *
     * @param name for people
     * @param meter the meter
     */
    public record Named(String name, Meter meter) {}

    /** Returns how much of a host is taken, where only free and total are known. */
    public static Meter of(BigDecimal used, BigDecimal after, BigDecimal limit, String text, String label) {
        int now = percent(used, limit);
        int then = percent(after, limit);
        String tone = then >= 100 && after.compareTo(limit) > 0 ? "bad" : then >= 85 ? "warn" : "";
        return new Meter(now, then, tone, text, label + ": " + text);
    }

    static Named named(String resource, BigDecimal used, BigDecimal limit, Page page) {
        String name = page.t("quota." + resource);
        return new Named(name, of(used, used, limit, Page.cpus(used) + " / " + Page.cpus(limit), name));
    }

    static Named sized(String resource, DataSize used, DataSize limit, Page page) {
        String name = page.t("quota." + resource);
        return new Named(
                name,
                of(
                        BigDecimal.valueOf(used.bytes()),
                        BigDecimal.valueOf(used.bytes()),
                        BigDecimal.valueOf(limit.bytes()),
                        Page.size(used) + " / " + Page.size(limit),
                        name));
    }

    private static int percent(BigDecimal part, BigDecimal whole) {
        if (whole.signum() == 0) {
            return part.signum() == 0 ? 0 : 100;
        }
        return part.multiply(BigDecimal.valueOf(100))
                .divide(whole, 0, RoundingMode.HALF_UP)
                .min(BigDecimal.valueOf(100))
                .intValue();
    }

    private static boolean isSize(String text) {
        return text.endsWith("B");
    }

    private static BigDecimal number(String text) {
        return isSize(text) ? BigDecimal.valueOf(DataSize.parse(text).bytes()) : new BigDecimal(text);
    }

    private static String words(String text) {
        return isSize(text) ? Page.size(DataSize.parse(text)) : Page.cpus(new BigDecimal(text));
    }
}
