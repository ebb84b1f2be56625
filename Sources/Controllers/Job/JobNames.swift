/// The names by which jobs and their pods are tied together.
enum JobNames {
    /// Held by a pod until its end is told by its job's status, so that none is lost (KEP-2307).
    static let trackingFinalizer = "batch.kubernetes.io/job-tracking"
    /// Annotation and label of a pod of an indexed job.
    static let completionIndex = "batch.kubernetes.io/job-completion-index"
    /// How often pods of the same index failed before this one, and how many of these failures do not count.
    static let indexFailures = "batch.kubernetes.io/job-index-failure-count"
    static let indexIgnoredFailures = "batch.kubernetes.io/job-index-ignored-failure-count"
    static let indexVariable = "JOB_COMPLETION_INDEX"
    /// What `spec.managedBy` says of a job that this controller cares for.
    static let manager = "kubernetes.io/job-controller"
}
