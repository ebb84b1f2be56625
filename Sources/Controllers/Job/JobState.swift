import API

/// What controllers ask about a job.
extension Job {
    /// How it ended: the condition `Complete` or `Failed`; `nil` while it has not.
    var ending: JobCondition? {
        status.conditions.first { Self.endings.contains($0.type) && $0.status == "True" }
    }

    var isSuspended: Bool { spec.suspend ?? false }

    /// Whether the condition of this type holds.
    func holds(_ type: String) -> Bool { status.conditions.contains { $0.type == type && $0.status == "True" } }

    private static let endings = [JobConditionType.complete, JobConditionType.failed]
}
