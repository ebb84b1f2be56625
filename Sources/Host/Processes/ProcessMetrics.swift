import CLinux
import Glibc
public import Support

/// What this process costs, under the names that every Prometheus client library uses.
public enum ProcessMetrics {
    public static func write(to text: inout MetricText) {
        var usage = rusage()
        if getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 {
            text.begin("process_cpu_seconds_total", .counter, "User and system time, seconds.")
            text.sample("process_cpu_seconds_total", [], seconds(usage.ru_utime) + seconds(usage.ru_stime))
        }
        if let pages = residentPages() {
            text.begin("process_resident_memory_bytes", .gauge, "Resident memory, bytes.")
            text.sample("process_resident_memory_bytes", [], Double(pages * sysconf(Int32(_SC_PAGESIZE))))
        }
        if let started = startTime() {
            text.begin("process_start_time_seconds", .gauge, "When the process began, seconds since 1970.")
            text.sample("process_start_time_seconds", [], started)
        }
        if let most = mostDescriptors() {
            text.begin("process_max_fds", .gauge, "File descriptors that may be open.")
            text.sample("process_max_fds", [], most)
        }
        if let descriptors = try? Files.list("/proc/self/fd") {
            text.begin("process_open_fds", .gauge, "Open file descriptors.")
            text.sample("process_open_fds", [], Double(descriptors.count))
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// The start of the system, and the ticks from there to the start of the process (proc(5): field 22 of `stat`).
    private static func startTime() -> Double? {
        guard let boot = (try? Files.readText("/proc/stat"))?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let bootSeconds = Double(boot.dropFirst(6)),
            let fields = (try? Files.readText("/proc/self/stat"))?.split(separator: ")").last?.split(separator: " "),
            fields.count > 19, let ticks = Double(fields[19])
        else { return nil }
        return bootSeconds + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// `Max open files  SOFT  HARD  files` (proc(5)).
    private static func mostDescriptors() -> Double? {
        let limits = (try? Files.readText("/proc/self/limits"))?.split(separator: "\n")
        let words = limits?.first { $0.hasPrefix("Max open files") }?.split(separator: " ")
        return words.flatMap { $0.count > 3 ? Double($0[3]) : nil }
    }

    private static func residentPages() -> Int? {
        let words = (try? Files.readText("/proc/self/statm"))?.split(separator: " ")
        return words.flatMap { $0.count > 1 ? Int($0[1]) : nil }
    }
}
