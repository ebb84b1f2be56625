import API
import Client
import Support

/// Which of a cron job's times is to be acted on, and when the next one comes.
struct CronJobSchedule: Hashable, Sendable {
    /// Beyond so many missed times people are told; only the last one is made up for.
    private static let manyMissed = 100

    let cronJob: CronJob
    let schedule: CronSchedule
    let zone: TimeZoneRule
    let now: Timestamp
    /// The schedule was another one before: what it would have asked for then was not missed.
    let validSince: Timestamp?

    /// Fails with what people are told, when the schedule cannot be used.
    init(_ cronJob: CronJob, now: Timestamp, validSince: Timestamp?) throws(Unusable) {
        (self.cronJob, self.now, self.validSince) = (cronJob, now, validSince)
        let text = cronJob.spec.schedule
        if let name = cronJob.spec.timeZone {
            guard let rule = TimeZones.rule(named: name) else {
                throw Unusable("UnknownTimeZone", "invalid timeZone: \"\(name)\": unknown time zone \(name)")
            }
            zone = rule
        } else {
            zone = .utc
        }
        do throws(CronSchedule.Problem) {
            schedule = try CronSchedule(text)
        } catch {
            throw Unusable("UnparseableSchedule", "unparseable schedule: \"\(text)\" : \(error.text)")
        }
        guard schedule.next(after: now, in: zone) != nil else {
            throw Unusable("InvalidSchedule", "invalid schedule: \(text) : it never comes")
        }
    }

    /// Why nothing can be done about a schedule.
    struct Unusable: Error, Hashable {
        var note: ControllerNote

        init(_ reason: String, _ message: String) {
            note = ControllerNote(kind: .warning, reason: reason, message: message)
        }
    }

    /// From when on times count that nothing was done about.
    private var begin: Timestamp {
        let since = cronJob.status.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? now
        return max(since, validSince ?? since)
    }

    /// The last time that has come and was not acted on, if it is not too late for it.
    var due: Timestamp? {
        guard let time = schedule.last(notAfter: now, after: begin, in: zone), !isTooLate(time) else { return nil }
        return time
    }

    /// The same, if it is too late.
    var missed: Timestamp? {
        schedule.last(notAfter: now, after: begin, in: zone).flatMap { isTooLate($0) ? $0 : nil }
    }

    private func isTooLate(_ time: Timestamp) -> Bool {
        cronJob.spec.startingDeadlineSeconds.map { time + .seconds($0) < now } ?? false
    }

    /// Whether so many times were missed that something must be wrong.
    var hasMissedMany: Bool {
        var time = begin
        if let deadline = cronJob.spec.startingDeadlineSeconds { time = max(time, now + .seconds(-deadline)) }
        for _ in 0...Self.manyMissed {
            guard let next = schedule.next(after: time, in: zone), next <= now else { return false }
            time = next
        }
        return true
    }

    /// How long it is until the next time.
    var untilNext: Duration? {
        let last = schedule.last(notAfter: now, after: begin, in: zone) ?? begin
        // Where a schedule counts its distance from; one by the clock does not care.
        let origin = schedule.interval == nil ? now : last
        return schedule.next(after: origin, in: zone).map { max(.zero, $0 - now) }
    }
}
