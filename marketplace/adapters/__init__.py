"""What lies outside: e-mail, files, PDF, payments. Each adapter is one small class, chosen by setting."""
