import APIMachinery
import Client
import Support
import Wire

/// What priority and fairness are doing now, as tables for people (Kubernetes documentation, "API Priority and Fairness",
/// "Debug endpoints"). Of `dump_requests` those that wait.
struct FlowDumps: DocumentSource {
    private static let root = "/debug/api_priority_and_fairness/"

    let flows: FlowControl

    var paths: [String] { ["dump_priority_levels", "dump_queues", "dump_requests"].map { Self.root + $0 } }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path.hasPrefix(Self.root), request.method == .get else { return nil }
        let rows: [[String]]
        switch request.path.dropFirst(Self.root.count) {
        case "dump_priority_levels": rows = flows.levelRows
        case "dump_queues": rows = flows.queueRows
        case "dump_requests": rows = flows.requestRows(withDetails: request.query["includeRequestDetails"] == "1")
        default: return nil
        }
        return Document(contentType: "text/plain; charset=utf-8", bytes: Array(Self.table(rows).utf8))
    }

    /// Columns of the same width, eight at least, a comma behind each cell but the last.
    static func table(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.dropLast().enumerated() {
                if column == widths.count { widths.append(8) }
                widths[column] = max(widths[column], cell.utf8.count + 2)
            }
        }
        return rows.map { row in
            let cells = row.dropLast().enumerated().map { column, cell in
                cell + "," + String(repeating: " ", count: widths[column] - cell.utf8.count - 1)
            }
            return cells.joined() + (row.last ?? "") + "\n"
        }.joined()
    }
}

extension FlowControl {
    fileprivate var levelRows: [[String]] {
        let counts = Dictionary(grouping: currentFlows, by: \.figures.level).mapValues { $0.map(\.figures.current) }
        let rows = ledger.levels.values.sorted { $0.settings.name < $1.settings.name }.map { level in
            let figures = counts[level.settings.name] ?? []
            func refused(_ reasons: SeatLedger.Refusal...) -> Int {
                figures.reduce(0) { sum, figures in sum + reasons.reduce(0) { $0 + (figures.refused[$1] ?? 0) } }
            }
            let numbers = [
                level.waiting, level.running, figures.reduce(0) { $0 + $1.dispatched },
                refused(.queueFull, .concurrencyLimit), refused(.timeOut), refused(.cancelled),
            ]
            let words = ["\(level.activeQueues)", "\(level.isIdle)", "\(level.isRetired)"]
            return [level.settings.name] + words + numbers.map(String.init)
        }
        return [
            [
                "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
                "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
            ]
        ] + rows
    }

    /// Every queue of every level. Requests stay in theirs until they run, so those that run, and their seats, are of none.
    /// A seat for the time of one request is the measure of work.
    fileprivate var queueRows: [[String]] {
        let rows = ledger.levels.values.sorted { $0.settings.name < $1.settings.name }.flatMap { level in
            let places = Dictionary(grouping: level.places, by: \.queue)
            return (0..<(level.settings.queuing?.queues ?? 0)).map { queue in
                let waiting = places[queue] ?? []
                let seats = waiting.reduce(0) { $0 + $1.width }
                let next = waiting.min { $0.index < $1.index }?.start ?? 0
                return [
                    level.settings.name, "\(queue)", "\(waiting.count)", "0", "0", Self.work(next), "\(seats)", "\(seats)",
                    Self.work(seats),
                ]
            }
        }
        return [
            [
                "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
                "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum",
            ]
        ] + rows
    }

    /// Seats times time, as Kubernetes writes it.
    private static func work(_ amount: Int) -> String { "\(amount).00000000ss" }

    fileprivate func requestRows(withDetails: Bool) -> [[String]] {
        var heads = [
            "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
            "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime",
        ]
        if withDetails {
            heads += ["UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"]
        }
        let rows = waiting.map { waiter, place in
            let (flow, info) = (waiter.flow, waiter.info)
            var row = [
                flow.figures.level, flow.schema.name, "\(place.queue)", "\(place.index)",
                flow.schema.distinguisher(waiter.user, info), waiter.arrived.description, "\(place.width)", "0", "0s",
                "<none>",
            ]
            guard withDetails else { return row }
            let resource = info.resource
            row += [
                waiter.user.name, info.verb, info.path, info.namespace, info.name, resource?.version ?? "",
                resource?.resource ?? "", info.subresource,
            ]
            return row
        }
        return [heads] + rows
    }
}
