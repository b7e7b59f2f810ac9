# The control plane's hand on a host. One call does one thing, prints what it found and answers with its exit status.
#
# Input: the verb, the number of words, each word on a line of its own (with \\ and \n for backslash and line feed), then the
# body. Nothing that comes in is ever read as shell text. Every verb may be repeated after a call whose answer was lost.
set -eu
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

readonly FENCED=60 ABSENT=61 CUT=62 EXHAUSTED=63 CORRUPT=64 BUSY=65 LOST=66
readonly LOG_CAP=8388608 LOG_KEPT=1048576 MOST_OUT=16777216 MOST_ERR=65536

refuse() {
    status=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$status"
}

# ---- locks, files, processes

# hold DIRECTORY: keeps others out until this call ends. Children must close 9, or they would keep them out, too.
hold() {
    exec 9<"$1"
    flock -w 90 9 || refuse $BUSY "$1 was held by another call for 90 seconds"
}

# guard HOME EPOCH: nobody else changes this member meanwhile, and nobody of an older epoch ever will.
guard() {
    [ -d "$1" ] || refuse $ABSENT "$1 does not exist"
    hold "$1"
    [ "$1" -ef /proc/self/fd/9 ] || refuse $ABSENT "$1 was taken away meanwhile"
    seen=0
    if [ -s "$1/epoch" ]; then read -r seen <"$1/epoch"; fi
    [ "$2" -ge "$seen" ] || refuse $FENCED "$seen"
    if [ "$2" -gt "$seen" ]; then
        printf '%s\n' "$2" | replace "$1/epoch"
    fi
}

# replace FILE: the old content or the new one, never half of it, and on the disk.
replace() {
    cat >"$1.new"
    sync "$1.new"
    mv -f "$1.new" "$1"
    sync "${1%/*}"
}

# exactly COUNT FILE: the next bytes of the body, all of them.
exactly() {
    head -c "$1" >"$2"
    [ "$(stat -c %s "$2")" -eq "$1" ] || refuse $CUT "the call was cut short"
}

# begun PID: sets started to when a process began, in clock ticks since the machine started; fails if it does not run.
begun() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    set -- ${line##*) }
    case $1 in Z | X) return 1 ;; esac
    started=${20}
}

# runs RUNFILE: sets pid if the process that wrote this file still is that process.
runs() {
    { read -r its_boot pid its_start <"$1"; } 2>/dev/null || return 1
    [ "$its_boot" = "$boot" ] && begun "$pid" && [ "$its_start" = "$started" ]
}

# As launch() does.
readonly LAUNCH='set -eu; run=$1; shift
read -r boot </proc/sys/kernel/random/boot_id; read -r stat </proc/self/stat; pid=${stat%% *}
started() { shift 19; printf "%s\n" "$boot $pid $1" >"$run.new"; }
started ${stat##*) }; mv -f "$run.new" "$run"; exec "$@"'

# descend PID: prints all processes below one.
descend() {
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        child=${line%% *}
        set -- "$1" ${line##*) }
        if [ "$3" = "$1" ]; then
            printf '%s\n' "$child"
            descend "$child"
        fi
    done
}

# as UID GID PROGRAM…: prefixes a program so that it runs as that user and can never gain privileges again.
as() {
    uid=$1 gid=$2
    shift 2
    if [ "$uid" = 0 ]; then
        exec "$@"
    fi
    exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs -- "$@"
}

# ---- units: members run as units of systemd where it can limit them. Who starts a member anew is the control plane alone: a unit
# is neither restarted nor started with the machine, so that what was fenced stays down.

# named HOME: sets what the member's slice is called, and what the name of each of its units begins with.
named() {
    delivery=${1%/members/*}
    unit=tenon.${delivery##*/}.${1##*/}
    # A dash in the name of a slice would put it into another.
    slice=tenon-$(printf '%s' "${unit#tenon.}" | tr - _).slice
}

# sandboxed OPTION…: starts a unit that sees and may do what a database needs. Its shell is root until it becomes the member's
# user; what it becomes can gain nothing.
sandboxed() {
    systemd-run --quiet --collect --service-type=exec -p Restart=no -p OOMPolicy=continue -p TasksMax=infinity \
        -p After=network.target -p NoNewPrivileges=yes -p 'CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SETPCAP' \
        -p PrivateTmp=yes -p PrivateDevices=yes -p ProtectSystem=strict -p ProtectHome=yes -p ProtectHostname=yes \
        -p ProtectKernelTunables=yes -p ProtectKernelModules=yes -p ProtectControlGroups=yes -p RestrictNamespaces=yes \
        -p 'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK' -p RestrictRealtime=yes -p RestrictSUIDSGID=yes \
        -p LockPersonality=yes -p SystemCallArchitectures=native "$@"
}

# units: whether systemd runs here, goes on with a unit when one of its processes ran out of memory (since 243), and really limits
# processors and memory, which is found out by trying, once in each run of the machine.
units() {
    [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 || return 1
    if [ -e /run/tenon/.units ]; then return 0; fi
    { read -r program version rest; } <<EOF
$(systemctl --version)
EOF
    [ "${version%%[!0-9]*}" -ge 243 ] || return 1
    seen=$(sandboxed --pipe --wait -p RuntimeMaxSec=5 -p CPUQuota=50% -p MemoryMax=67108864 \
        /bin/sh "$0" limits 2>/dev/null) || return 1
    [ "$seen" = 'cpu memory ' ] || return 1
    (umask 066 && mkdir -p /run/tenon)
    : >/run/tenon/.units
}

# limits: says which of the limits of units() this process has.
limits() {
    {
        while IFS=: read -r number controllers path; do
            cat "/sys/fs/cgroup$path/cpu.max" "/sys/fs/cgroup/cpu$path/cpu.cfs_quota_us" "/sys/fs/cgroup$path/memory.max" \
                "/sys/fs/cgroup/memory$path/memory.limit_in_bytes" 2>/dev/null || :
        done </proc/self/cgroup
    } | while read -r number rest; do
        case $number in 50000) echo cpu ;; 67108864) echo memory ;; esac
    done | sort -u | tr '\n' ' '
}

# confined: whether the process that runs() found is in the slice of the member at home; sets what named() does.
confined() {
    named "$home"
    grep -qF "/$slice/" "/proc/$pid/cgroup"
}

# allow CPU MEMORY: lets the member's slice have so many hundredths of a processor and bytes.
allow() {
    systemctl set-property --runtime "$slice" "CPUQuota=$1%" "MemoryMax=$2"
}

# dismiss UNIT: returns when nothing of it runs any more.
dismiss() {
    if [ -d /run/systemd/system ]; then
        code=0
        complaint=$(systemctl stop "$1" 2>&1) || code=$?
        # 5: there is no such unit.
        case $code in 0 | 5) ;; *) refuse $BUSY "$1 cannot be stopped: $complaint" ;; esac
    fi
}

# ---- what a member looks like

# shape HOME: reads from the record which processes the member has and how it shows that it is ready.
shape() {
    processes='' probe_file='' probe_line='' probe_port='' always=''
    while read -r key value; do
        case $key in
        process) processes="$processes $value" ;;
        probe-file) probe_file=$value ;;
        probe-line) probe_line=$value ;;
        probe-port) probe_port=$value ;;
        always) always=1 ;;
        esac
    done <"$1/member"
}

fingerprint() {
    if [ -n "$probe_file" ]; then stat -c '%i %z' "$probe_file" 2>/dev/null || :; fi
}

# listens PORT: whether somebody on this host listens there.
listens() {
    hex=$(printf ':%04X' "$1")
    grep -qE "^ *[0-9]+: [0-9A-F]+$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# ready HOME PROCESS: whether the main process, which runs, is ready. Once seen ready, a run stays so until it ends.
ready() {
    { read -r noted <"$1/$2.ready"; } 2>/dev/null || noted=''
    read -r run <"$1/$2.run" || return 1
    if [ "$noted" = "$run" ] || [ -n "$always" ]; then return 0; fi
    if [ -n "$probe_port" ]; then
        listens "$probe_port" || return 1
    else
        { read -r before <"$1/probe.before"; } 2>/dev/null || before=''
        [ -f "$probe_file" ] || return 1
        [ "$(fingerprint)" != "$before" ] || return 1
        while read -r line; do
            case $line in "$probe_line"*) return 0 ;; esac
        done <"$probe_file" 2>/dev/null
        return 1
    fi
}

# look HOME: prints what there is of a member.
look() {
    [ -d "$1" ] || return 0
    printf 'member %s %s\n' "${1##*/}" "$boot"
    [ -s "$1/member" ] || return 0
    read -r epoch <"$1/epoch" || epoch=0
    printf 'epoch %s\n' "$epoch"
    IFS= read -r record <"$1/member"
    printf 'record %s\n' "$record"
    shape "$1"
    main=1
    for process in $processes; do
        if runs "$1/$process.run"; then
            state=starting
            if [ "$main" = 1 ] && ready "$1" "$process"; then state=ready; fi
            printf 'process %s %s %s %s %s\n' "$process" "$state" "$pid" "$its_start" \
                "$(stat -c %Y "$1/$process.run" 2>/dev/null || echo 0)"
        elif [ -e "$1/$process.run" ]; then
            printf 'ended %s\n' "$process"
        fi
        main=0
    done
}

# ---- verbs about the host

facts() {
    base=$1
    printf 'uid %s\n' "$(id -u)"
    printf 'boot %s\n' "$boot"
    printf 'clock %s\n' "$(date +%s%3N)"
    printf 'arch %s\n' "$(uname -m)"
    printf 'kernel %s\n' "$(uname -sr)"
    (
        if [ -r /etc/os-release ]; then
            . /etc/os-release
        fi
        printf 'os %s\n' "${PRETTY_NAME:-unknown}"
    )
    printf 'cores %s\n' "$(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
    while read -r key value unit; do
        case $key in MemTotal:) printf 'memory %s\n' "$value" ;; esac
    done </proc/meminfo
    if [ -d /run/systemd/system ]; then echo 'systemd yes'; else echo 'systemd no'; fi
    if units; then echo 'units yes'; else echo 'units no'; fi
    for tool in flock setpriv setsid timeout sha256sum tar gzip stat head sync useradd; do
        command -v "$tool" >/dev/null 2>&1 || printf 'lacks %s\n' "$tool"
    done
    where=$base
    while [ ! -d "$where" ]; do where=${where%/*}; where=${where:-/}; done
    df -P -k -T "$where" | {
        read -r heading
        read -r device type blocks used free percent mount
        printf 'disk %s %s %s %s\n' "$type" "$blocks" "$free" "$mount"
    }
    for program in /usr/lib/postgresql/*/bin/postgres; do
        if [ -x "$program" ]; then
            printf 'package %s %s\n' "${program%/bin/postgres}" "$("$program" --version)"
        fi
    done
}

# adopt BASE RUN USER: makes the host ready for members and says as whom they run.
adopt() {
    if ! id -u "$3" >/dev/null 2>&1; then
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$3"
    fi
    for directory in "$1" "$1/members" "$1/commands" "$1/trash" "$1/templates" "$2" "${1%/*}/software" "${1%/*}/ports"; do
        (umask 066 && mkdir -p "$directory")
        case $directory in */commands | */trash) chmod 700 "$directory" ;; *) chmod 711 "$directory" ;; esac
    done
    chmod 755 "${1%/*}" "${1%/*}/software"
    # Results that nobody has fetched for a day are of no more use; what was destroyed goes with the next quiet moment.
    find "$1/commands" "$1/trash" -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} +
    printf '%s %s\n' "$(id -u "$3")" "$(id -g "$3")"
}

# relays: whether this host can do relay().
relays() {
    command -v socat >/dev/null 2>&1 || refuse $ABSENT "there is no socat"
}

# relay SOCKET: carries standard input and output to it, where the SSH server does not. Called without becoming root: whoever
# listens asks the kernel who came.
relay() {
    exec socat - "UNIX-CONNECT:$1"
}

# scan MEMBERS [NAME…]: looks at these members, or at all.
scan() {
    members=$1
    shift
    if [ $# = 0 ]; then
        for home in "$members"/*/; do
            home=${home%/}
            if [ -d "$home" ]; then look "$home"; fi
        done
    else
        for name in "$@"; do look "$members/$name"; done
    fi
}

# watch MEMBERS: says so whenever a process ended that nobody ended, until nobody listens any more.
watch() {
    told='' rounds=0
    while :; do
        for run in "$1"/*/*.run; do
            [ -e "$run" ] || continue
            read -r who <"$run" || continue
            if ! runs "$run"; then
                case $told in
                *"|$who|"*) ;;
                *)
                    told="|$who|$told"
                    home=${run%/*}
                    printf 'ended %s\n' "${home##*/}"
                    ;;
                esac
            fi
        done
        rounds=$((rounds + 1))
        if [ $((rounds % 20)) = 0 ]; then
            echo alive
            told=$(printf '%.4096s' "$told")
        fi
        sleep 0.25
    done
}

# software BASE KEY: whether this software is here and whole.
software() {
    [ -e "$1/$2.manifest" ] || refuse $ABSENT "$2 is not installed"
}

# install BASE KEY SHA256 SIZE <archive: all of it or nothing.
install() {
    hold "$1"
    if [ -e "$1/$2.manifest" ]; then return 0; fi
    rm -rf "$1/$2" "$1/$2.new" "$1/$2.part"
    exactly "$4" "$1/$2.part"
    printf '%s  %s\n' "$3" "$1/$2.part" | sha256sum -c --status || refuse $CORRUPT "the archive changed on its way"
    umask 022
    mkdir "$1/$2.new"
    tar -xzf "$1/$2.part" -C "$1/$2.new" --no-same-owner
    rm -f "$1/$2.part"
    (cd "$1/$2.new" && find . -type f -exec sha256sum {} +) >"$1/$2.sums"
    sync -f "$1/$2.new"
    mv "$1/$2.new" "$1/$2"
    replace "$1/$2.manifest" <"$1/$2.sums"
    rm -f "$1/$2.sums"
}

# verify BASE KEY: compares every file with what was installed; what is damaged counts as not installed.
verify() {
    software "$1" "$2"
    if ! (cd "$1/$2" && sha256sum -c --status "../$2.manifest"); then
        rm -f "$1/$2.manifest"
        refuse $CORRUPT "$1/$2 is damaged; it is installed anew at the next try"
    fi
}

# claim PORTS HOME FIRST LAST SEED NAME…: prints a number for each, the same ones when asked again.
claim() {
    ports=$1 home=$2 first=$3 last=$4 seed=$5
    shift 5
    hold "$ports"
    for name in "$@"; do
        count=$((last - first + 1)) step=0 found=''
        while [ -z "$found" ] && [ "$step" -lt "$count" ]; do
            number=$((first + (seed + step) % count))
            step=$((step + 1))
            if [ -s "$ports/$number" ]; then
                { read -r its_home && read -r its_name; } <"$ports/$number"
                if [ "$its_home" = "$home" ] && [ "$its_name" = "$name" ]; then
                    found=$number
                elif [ ! -d "$its_home" ]; then
                    found=$number
                fi
            else
                found=$number
            fi
        done
        [ -n "$found" ] || refuse $EXHAUSTED "every port from $first to $last is taken"
        printf '%s\n%s\n' "$home" "$name" | replace "$ports/$found"
        printf '%s %s\n' "$name" "$found"
        seed=$((seed + 1))
    done
}

# release PORTS HOME NUMBER…
release() {
    ports=$1 home=$2
    shift 2
    hold "$ports"
    for number in "$@"; do
        if [ -s "$ports/$number" ]; then
            read -r its_home <"$ports/$number"
            if [ "$its_home" = "$home" ]; then rm -f "$ports/$number"; fi
        fi
    done
}

# holder PORT: who listens there, as far as this host tells.
holder() {
    listens "$1" || return 0
    hex=$(printf ':%04X' "$1")
    inode=$(grep -hE "^ *[0-9]+: [0-9A-F]+$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r slot here there state queue timer retries uid wait inode rest; do echo "$inode"; break; done)
    for fd in /proc/[0-9]*/fd/*; do
        if [ "$(readlink "$fd" 2>/dev/null)" = "socket:[$inode]" ]; then
            pid=${fd#/proc/}
            pid=${pid%%/*}
            printf '%s (process %s)\n' "$(cat "/proc/$pid/comm")" "$pid"
            return 0
        fi
    done
    echo 'another process'
}

# run BASE ID UID GID SECONDS SIZE [NAME=VALUE…] PROGRAM… <its input: runs a program once, however often it is called with this id,
# and keeps what came of it for who asks again.
run() {
    dir=$1/commands/$2
    mkdir -p "$dir"
    hold "$dir"
    if [ ! -e "$dir/run" ]; then
        exactly "$6" "$dir/in"
        uid=$3 gid=$4 seconds=$5
        shift 6
        # The runner outlives this call: whoever comes next finds the result.
        setsid /bin/sh -c "$LAUNCH" tenon-run "$dir/run" /bin/sh "$0" runner "$dir" "$uid" "$gid" "$seconds" "$@" \
            </dev/null >/dev/null 2>&1 9<&- &
        tries=0
        until [ -e "$dir/run" ] || [ "$tries" -gt 500 ]; do
            tries=$((tries + 1))
            sleep 0.01
        done
    fi
    exec 9<&-
    until [ -e "$dir/status" ]; do
        if ! runs "$dir/run" && [ ! -e "$dir/status" ]; then
            refuse $LOST "the program ended with the machine or was killed together with its keeper; what it did is not known"
        fi
        sleep 0.01
    done
    read -r status <"$dir/status"
    printf '%s %s %s\n' "$status" "$(stat -c %s "$dir/out")" "$(stat -c %s "$dir/err")"
    cat "$dir/out" "$dir/err"
}

runner() {
    dir=$1 uid=$2 gid=$3 seconds=$4
    shift 4
    cd /
    {
        code=0
        (as "$uid" "$gid" env -i PATH="$PATH" LANG=C.UTF-8 HOME=/ timeout -k 5 "$seconds" env "$@") \
            <"$dir/in" 2>"$dir/err.all" || code=$?
        printf '%s\n' "$code" >"$dir/status.new"
    } | head -c $MOST_OUT >"$dir/out"
    tail -c $MOST_ERR "$dir/err.all" >"$dir/err"
    # What it read may be secret.
    rm -f "$dir/in" "$dir/err.all"
    mv -f "$dir/status.new" "$dir/status"
}

# ---- verbs about one member; all that change it are guarded by its epoch

# begin HOME EPOCH RUN: an empty home; what is known of a half-made one stays, for its ports. For a day, whoever was only slow
# while the member was destroyed cannot make it again.
begin() {
    stone=${1%/members/*}/trash/${1##*/}.epoch
    if [ ! -d "$1" ] && [ -s "$stone" ]; then
        read -r seen <"$stone"
        [ "$2" -ge "$seen" ] || refuse $FENCED "$seen"
    fi
    mkdir -p "$1"
    chmod 711 "$1"
    guard "$1" "$2"
    for entry in "$1"/* "$1"/.[!.]*; do
        case ${entry##*/} in member | epoch) ;; *) rm -rf "$entry" ;; esac
    done
    rm -rf "$3"
    sync "${1%/*}"
}

# admit HOME EPOCH: remembers the epoch.
admit() {
    guard "$1" "$2"
}

# record HOME EPOCH <the record
record() {
    guard "$1" "$2"
    replace "$1/member"
}

# directories HOME EPOCH UID GID [MODE EXPECTED PATH]…: makes those that are missing, unless they are expected to be there, and
# tells what is wrong with the others.
directories() {
    guard "$1" "$2"
    uid=$3 gid=$4
    shift 4
    while [ $# -gt 0 ]; do
        if [ -L "$3" ]; then
            printf 'a link: %s\n' "$3"
        elif [ -d "$3" ]; then
            seen=$(stat -c '%u %a' "$3")
            if [ "$seen" != "$uid $1" ]; then printf 'user and mode are %s, not %s %s: %s\n' "$seen" "$uid" "$1" "$3"; fi
        elif [ "$2" = yes ]; then
            printf 'missing: %s\n' "$3"
        else
            (umask 066 && mkdir -p "${3%/*}")
            mkdir -m "$1" "$3"
            chown "$uid:$gid" "$3"
        fi
        shift 3
    done
}

# files HOME EPOCH UID GID [PATH MODE SIZE]… <contents: prints "changed" or "same" for each. Written by the member's user, so that
# no link that lies in its directories can lead anywhere that it may not write itself.
files() {
    guard "$1" "$2"
    uid=$3 gid=$4
    shift 4
    (as "$uid" "$gid" /bin/sh "$0" write "$@")
}

write() {
    while [ $# -gt 0 ]; do
        mkdir -p "${1%/*}"
        rm -f "$1.new"
        exactly "$3" "$1.new"
        chmod "$2" "$1.new"
        if [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c '%u %a' "$1")" = "$(id -u) $2" ] && cmp -s "$1" "$1.new"; then
            rm -f "$1.new"
            echo same
        else
            sync "$1.new"
            mv -f "$1.new" "$1"
            echo changed
        fi
        shift 3
    done
}

# discard HOME EPOCH UID GID PATH…: removes files that were there for one command only.
discard() {
    guard "$1" "$2"
    uid=$3 gid=$4
    shift 4
    (as "$uid" "$gid" rm -f -- "$@")
}

# model TEMPLATES KEY NEW UID GID [PART]…: an empty directory in which a template is made, or nothing if it is there.
model() {
    if [ -d "$1/$2" ]; then
        echo there
        return 0
    fi
    templates=$1 fresh=$1/$3 uid=$4 gid=$5
    shift 5
    rm -rf "$fresh"
    mkdir "$fresh"
    chmod 711 "$fresh"
    for part in "$@"; do
        mkdir "$fresh/$part"
        chown "$uid:$gid" "$fresh/$part"
    done
}

# publish TEMPLATES KEY NEW: whoever comes second throws its own away.
publish() {
    sync -f "$1/$3"
    mv -T "$1/$3" "$1/$2" 2>/dev/null || rm -rf "$1/$3"
    [ -d "$1/$2" ]
}

# clone HOME EPOCH TEMPLATE PART…
clone() {
    guard "$1" "$2"
    home=$1 template=$3
    shift 3
    for part in "$@"; do
        rm -rf "$home/$part"
        cp -a --reflink=auto "$template/$part" "$home/$part"
        chmod 700 "$home/$part"
    done
    sync -f "$home"
}

# idle HOME: refuses while one of the member's processes runs.
idle() {
    shape "$1"
    for process in $processes; do
        if runs "$1/$process.run"; then refuse 1 "$process (process $pid) runs; stop it first"; fi
    done
}

# fill HOME EPOCH UID GID DIRECTORY ID <tar: lays an archive beside a directory, where nothing uses it. The member is not held
# meanwhile: this may take hours, and whoever comes with a newer epoch shall not wait for it.
fill() {
    guard "$1" "$2"
    idle "$1"
    fresh=$1/$5.filling-$6
    rm -rf "$1/$5".filling-*
    mkdir -m 700 "$fresh"
    chown "$3:$4" "$fresh"
    exec 9<&-
    (as "$3" "$4" tar -x -f - -C "$fresh" --no-same-owner) || {
        code=$?
        rm -rf "$fresh"
        exit "$code"
    }
    sync -f "$fresh"
}

# take HOME EPOCH DIRECTORY ID TRASH: puts what was laid beside a directory into its place.
take() {
    guard "$1" "$2"
    idle "$1"
    fresh=$1/$3.filling-$4 mark=$1/$3.filled grave=$5/${1##*/}-$3-$4
    if [ -d "$fresh" ]; then
        # Noted first: a repeated call that finds the mark and nothing beside knows that it was done.
        printf '%s\n' "$4" | replace "$mark"
        if [ -d "$1/$3" ]; then mv -T "$1/$3" "$grave"; fi
        mv -T "$fresh" "$1/$3"
        sync "$1"
        setsid rm -rf "$grave" </dev/null >/dev/null 2>&1 9<&- &
    fi
    { read -r last <"$mark"; } 2>/dev/null || last=''
    [ "$last" = "$4" ] || refuse $ABSENT "$fresh does not exist"
}

# exists PATH: whether a step's mark is there.
exists() {
    [ -e "$1" ] || refuse $ABSENT "$1 does not exist"
}

# start HOME EPOCH NAME SIZE CPU MEMORY RUN SIGNAL SECONDS <a call of launch: unless it runs. Without CPU it is a process of its own,
# else a unit, which an administrator or the end of the machine stops with the signal and kills after that time.
start() {
    guard "$1" "$2"
    home=$1 name=$3
    if runs "$home/$name.run"; then
        if [ "$5" != 0 ] && confined; then allow "$5" "$6"; fi
        return 0
    fi
    rm -f "$home/$name.run" "$home/$name.ready"
    exactly "$4" "$home/$name.call"
    shape "$home"
    if [ "$processes" = " $name" ] || [ "${processes# $name }" != "$processes" ]; then
        fingerprint >"$home/probe.before"
    fi
    output=$home/$name.out
    if [ -e "$output" ] && [ "$(stat -c %s "$output")" -gt $LOG_CAP ]; then
        tail -c $LOG_KEPT "$output" >"$output.1"
        : >"$output"
    fi
    { stat -c %s "$output" 2>/dev/null || echo 0; } >"$home/$name.from"
    if [ "$5" = 0 ]; then
        setsid /bin/sh "$0" <"$home/$name.call" >>"$output" 2>&1 9<&- &
    else
        # Made here, so that nobody else may read it.
        : >>"$output"
        named "$home"
        dismiss "$unit.$name.service"
        allow "$5" "$6"
        sandboxed --unit="$unit.$name.service" --description="$name of ${home##*/}" --slice="$slice" \
            -p KillMode=mixed -p "KillSignal=SIG$8" -p "TimeoutStopSec=$9" -p "ReadWritePaths=$home -$7" \
            -p "StandardInput=file:$home/$name.call" -p "StandardOutput=append:$output" -p "StandardError=append:$output" \
            /bin/sh "$0"
    fi
    tries=0
    until [ -e "$home/$name.run" ] || [ "$tries" -gt 500 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
}

# launch RUN UID GID [NAME=VALUE…] PROGRAM…: notes who it is before it becomes the program, so that there is no moment at which that
# runs and nobody knows.
launch() {
    run=$1
    shift
    begun $$
    printf '%s\n' "$boot $$ $started" >"$run.new"
    mv -f "$run.new" "$run"
    exec </dev/null
    cd /
    become "$@"
}

become() {
    uid=$1 gid=$2
    shift 2
    as "$uid" "$gid" env -i PATH="$PATH" LANG=C.UTF-8 HOME=/ "$@"
}

# limit HOME EPOCH NAME CPU MEMORY: changes the limits of a member that runs.
limit() {
    guard "$1" "$2"
    home=$1
    runs "$1/$3.run" && confined || refuse $ABSENT "$3 does not run as a unit"
    allow "$4" "$5"
}

# await HOME NAME HUNDREDTHS: until the process is ready, or has ended, or that long.
await() {
    shape "$1"
    tries=$3
    while :; do
        if ! runs "$1/$2.run"; then
            echo ended
            return 0
        fi
        if ready "$1" "$2"; then
            cat "$1/$2.run" >"$1/$2.ready.new"
            mv -f "$1/$2.ready.new" "$1/$2.ready"
            : >>"$1/ready-once"
            echo ready
            return 0
        fi
        if [ "$tries" -le 0 ]; then
            echo waiting
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.01
    done
}

# tell HOME EPOCH NAME SIGNAL
tell() {
    guard "$1" "$2"
    if runs "$1/$3.run"; then kill -s "$4" "$pid"; fi
}

# gone HUNDREDTHS: waits for the process that runs() found.
gone() {
    left=$1 victim=$pid victim_start=$started
    while begun "$victim" && [ "$started" = "$victim_start" ]; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.01
    done
}

# end HOME EPOCH NAME SIGNAL HUNDREDTHS: asks with the signal, if any; after that time it is killed with all below it.
end() {
    guard "$1" "$2"
    if runs "$1/$3.run"; then
        killed=''
        if [ -n "$4" ]; then kill -s "$4" "$pid" 2>/dev/null || :; fi
        if ! gone "$5" && runs "$1/$3.run"; then
            # Stopped first, so that it cannot start another while we look.
            kill -s STOP "$pid" 2>/dev/null || :
            below=$(descend "$pid")
            kill -s KILL "$pid" 2>/dev/null || :
            for child in $below; do kill -s KILL "$child" 2>/dev/null || :; done
            gone 1000 || refuse $BUSY "$3 (process $pid) cannot be killed; is its disk stuck?"
            echo killed
        fi
    fi
    named "$1"
    dismiss "$unit.$3.service"
    rm -f "$1/$3.run" "$1/$3.ready"
}

# destroy HOME EPOCH RUN TRASH PORTS NUMBER…: the home goes first: without it, what is left counts as nobody's.
destroy() {
    run=$3 trash=$4 ports=$5
    if [ -d "$1" ]; then
        guard "$1" "$2"
        printf '%s\n' "$2" | replace "$trash/${1##*/}.epoch"
        grave=$trash/${1##*/}-$2-$$-$(date +%s%N)
        mv "$1" "$grave"
        sync "${1%/*}"
        setsid rm -rf "$grave" </dev/null >/dev/null 2>&1 9<&- &
        exec 9<&-
    fi
    rm -rf "$run"
    home=$1
    named "$home"
    dismiss "$slice"
    rm -rf "/run/systemd/system.control/$slice.d"
    shift 5
    release "$ports" "$home" "$@"
}

# lines UID GID COUNT HOME LOGS [NAME…]: the last lines of what the processes printed and of the engine's own log files.
lines() {
    uid=$1 gid=$2 count=$3 home=$4 logs=$5
    shift 5
    {
        for name in "$@"; do
            for file in "$home/$name.out.1" "$home/$name.out"; do
                if [ -f "$file" ]; then tail -n "$count" "$file"; fi
            done
        done
        if [ -n "$logs" ]; then (as "$uid" "$gid" /bin/sh "$0" newest "$count" "$logs"); fi
    } | grep -v '^[[:space:]]*$' | tail -n "$count" || :
}

newest() {
    find "$2" -maxdepth 1 -type f -printf '%T@ %p\n' | sort -n | while read -r when file; do tail -n "$1" "$file"; done
}

# printed HOME NAME: what the process printed since it was last started.
printed() {
    read -r from <"$1/$2.from" || from=0
    tail -c "+$((from + 1))" "$1/$2.out" 2>/dev/null | grep -v '^[[:space:]]*$' | tail -n 20 || :
}

# usage HOME NAME…: processor ticks, resident pages and stored bytes.
usage() {
    home=$1 ticks=0 pages=0
    shift
    for name in "$@"; do
        if runs "$home/$name.run"; then
            for one in "$pid" $(descend "$pid"); do
                { read -r line <"/proc/$one/stat"; } 2>/dev/null || continue
                set -- ${line##*) }
                ticks=$((ticks + ${12} + ${13}))
                pages=$((pages + ${22}))
            done
        fi
    done
    printf '%s %s %s %s\n' "$ticks" "$pages" "$(getconf CLK_TCK 2>/dev/null || echo 100)" "$(getconf PAGESIZE 2>/dev/null || echo 4096)"
    du -sb "$home" 2>/dev/null | while read -r bytes rest; do echo "$bytes"; done
}

# ---- the call

read -r boot </proc/sys/kernel/random/boot_id
case ${1:-} in
write | newest | runner | limits)
    verb=$1
    shift
    "$verb" "$@"
    ;;
'')
    read -r verb && read -r words || refuse $CUT "the call was cut short"
    set --
    while [ "$words" -gt 0 ]; do
        IFS= read -r word || refuse $CUT "the call was cut short"
        case $word in *\\*) word=$(printf '%b.' "$word") && word=${word%.} ;; esac
        set -- "$@" "$word"
        words=$((words - 1))
    done
    case $verb in
    facts | adopt | relays | relay | scan | watch | software | install | verify | claim | release | holder | run | begin | admit | record | \
        directories | files | discard | model | publish | clone | fill | take | exists | start | launch | await | tell | limit | end | destroy | \
        lines | printed | usage) "$verb" "$@" ;;
    *) refuse 2 "no such verb: $verb" ;;
    esac
    ;;
*) refuse 2 "no such verb: $1" ;;
esac
