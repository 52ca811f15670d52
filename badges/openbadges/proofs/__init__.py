"""The two proof formats of Open Badges 3.0: embedded Data Integrity proofs and VC-JWT."""
