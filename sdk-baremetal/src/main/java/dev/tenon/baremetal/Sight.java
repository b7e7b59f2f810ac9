package dev.tenon.baremetal;

import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a look at a member on a host showed.
 *
 * @param name its external name
 * @param boot the machine's present run
 * @param record what the host remembers of it; empty before that was first written
 * @param damage why the record cannot be read, if so
 * @param alive its processes that run, by name
 * @param ended its processes that ended although nobody ended them
 */
record Sight(
        String name,
        String boot,
        Optional<MemberRecord> record,
        Optional<String> damage,
        Map<String, Alive> alive,
        List<String> ended) {
    /**
     * A process that runs.
     *
     * @param ready whether it is the main process and ready
     * @param pid its number
     * @param started when it began, in the machine's ticks
     * @param since when it was started by the host's clock, in seconds
     */
    record Alive(boolean ready, long pid, long started, long since) {}

    /** Reads what the host printed of any number of members. */
    static List<Sight> parse(List<String> lines) {
        List<Sight> found = new ArrayList<>();
        for (String line : lines) {
            String[] f = line.split(" ", 6);
            if (f[0].equals("member") && f.length > 2) {
                found.add(new Sight(
                        f[1], f[2], Optional.empty(), Optional.empty(), new LinkedHashMap<>(), new ArrayList<>()));
                continue;
            }
            if (found.isEmpty()) {
                continue;
            }
            Sight last = found.get(found.size() - 1);
            switch (f[0]) {
                case "record" -> found.set(found.size() - 1, last.with(line.substring("record ".length())));
                case "process" ->
                    last.alive.put(
                            f[1],
                            new Alive(
                                    f[2].equals("ready"),
                                    Long.parseLong(f[3]),
                                    Long.parseLong(f[4]),
                                    Long.parseLong(f[5])));
                case "ended" -> last.ended.add(f[1]);
                default -> {
                    // A newer script may say more.
                }
            }
        }
        return found;
    }

    private Sight with(String json) {
        try {
            MemberRecord content = Member.parse(json.getBytes(StandardCharsets.UTF_8), "the record of " + name);
            return new Sight(name, boot, Optional.of(content), damage, alive, ended);
        } catch (IOException | ProviderException e) {
            return new Sight(name, boot, record, Optional.of(String.valueOf(e.getMessage())), alive, ended);
        }
    }

    /** Names the main process; empty for a member without processes. */
    String main() {
        return record.filter(r -> !r.processes().isEmpty())
                .map(r -> r.processes().get(0).name())
                .orElse("");
    }

    String incarnation(Alive process) {
        return boot.substring(0, Math.min(8, boot.length())) + "-" + process.pid() + "-" + process.started();
    }
}
