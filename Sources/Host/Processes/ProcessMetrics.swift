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
        if let descriptors = try? Files.list("/proc/self/fd") {
            text.begin("process_open_fds", .gauge, "Open file descriptors.")
            text.sample("process_open_fds", [], Double(descriptors.count))
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func residentPages() -> Int? {
        let words = (try? Files.readText("/proc/self/statm"))?.split(separator: " ")
        return words.flatMap { $0.count > 1 ? Int($0[1]) : nil }
    }
}
