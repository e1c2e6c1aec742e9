"""From a finding to what must be sent: policy, ledger, outbox."""
